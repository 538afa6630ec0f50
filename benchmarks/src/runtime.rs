//! Requests a second: `spin-local`, and Spin beside it where there is one.

use bytes::Bytes;
use test_support::{App, Request, Running, Runtime, components};
use webhook_signature::{Key, plain};

use crate::load::{Shot, requests_a_second};
use crate::runtimes;
use crate::table::Table;

const KEY: &str = "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz";

/// A row: what it is called, and the request that is sent over and over.
type Row = (&'static str, Shot);

pub async fn measure() -> anyhow::Result<Table> {
    let runtimes = runtimes::all()?;
    let mut columns = vec!["requests a second"];
    columns.extend(runtimes.iter().map(Runtime::name));
    let mut table = Table::new(
        "Requests a second, eight clients",
        "One component a row, a fresh instance a request; clients and server share the machine.",
        &columns,
    );
    for (name, shot) in probe_rows() {
        let mut cells = vec![name.to_owned()];
        for runtime in &runtimes {
            let app = probe(runtime).await;
            cells.push(measured(&app, &shot).await?);
        }
        table.row(cells);
    }
    let mut cells = vec!["webhook verified by the consumer, 1 KiB".to_owned()];
    for runtime in &runtimes {
        let app = consumer(runtime).await;
        cells.push(measured(&app, &signed_webhook()).await?);
    }
    table.row(cells);
    Ok(table)
}

fn probe_rows() -> [Row; 3] {
    [
        ("a trivial request", Shot::get("/hello")),
        ("one SQLite query", Shot::get("/sqlite/bench")),
        ("one key-value read", Shot::get("/kv/bench")),
    ]
}

async fn measured(app: &Running, shot: &Shot) -> anyhow::Result<String> {
    let rate = requests_a_second(&app.address().to_string(), shot).await?;
    Ok(format!("{rate:.0}"))
}

async fn probe(runtime: &Runtime) -> Running {
    components::probe();
    let manifest = components::root().join("tests/support/probe");
    let app = App::from(manifest).args(["--quiet"]).start(runtime).await;
    for setup in ["/sqlite/bench-setup", "/kv/bench-setup"] {
        let answer = Request::post(app.url(setup)).send().await;
        assert_eq!(answer.status, 200, "`{setup}` failed: {}", answer.text());
    }
    app
}

async fn consumer(runtime: &Runtime) -> Running {
    let app = App::from(components::consumer())
        .args(["--quiet"])
        .args(OPEN)
        .start(runtime)
        .await;
    hand_over_key(&app).await;
    app
}

/// The variables of a consumer that takes any caller's key, and [`signed_webhook`].
pub const OPEN: [&str; 4] = [
    "--variable",
    "open_handshake=true",
    "--variable",
    "weakest_scheme=plain",
];

/// Hands a consumer the key of [`signed_webhook`].
pub async fn hand_over_key(app: &Running) {
    let handshake = Request::post(app.url("/target?handshake=true"));
    let answer = handshake
        .json(format!(r#"{{"keyData": "{KEY}"}}"#))
        .send()
        .await;
    assert_eq!(
        answer.status,
        200,
        "the handshake failed: {}",
        answer.text()
    );
}

/// A webhook of 1 KiB, signed by `plain`.
pub fn signed_webhook() -> Shot {
    let body = Bytes::from(format!(
        r#"{{"event":"order.shipped","data":"{}"}}"#,
        "x".repeat(980)
    ));
    let tag = plain::sign(&Key::from_text(KEY), &body);
    Shot {
        method: "POST",
        path: "/target",
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("x-signature", tag),
        ],
        body,
    }
}
