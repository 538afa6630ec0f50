//! Requests per second of `spin-local`, and of Spin if it is installed.

use bytes::Bytes;
use test_support::{App, Request, Running, Runtime, components};
use webhook_signature::{Key, plain};

use crate::load::{Shot, requests_per_second};
use crate::runtimes;
use crate::table::Table;

const KEY: &str = "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz";

/// A row: its name, and the request that is sent repeatedly.
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
    let rate = requests_per_second(&app.address().to_string(), shot).await?;
    Ok(format!("{rate:.0}"))
}

async fn probe(runtime: &Runtime) -> Running {
    components::probe();
    let manifest = components::root().join("tests/support/probe");
    let app = App::from(manifest).args(["--quiet"]).start(runtime).await;
    for setup in ["/sqlite/bench-setup", "/kv/bench-setup"] {
        let response = Request::post(app.url(setup)).send().await;
        assert_eq!(
            response.status,
            200,
            "`{setup}` failed: {}",
            response.text()
        );
    }
    app
}

async fn consumer(runtime: &Runtime) -> Running {
    let app = App::from(components::consumer())
        .args(["--quiet"])
        .args(OPEN)
        .start(runtime)
        .await;
    set_key(&app).await;
    app
}

/// The variables of a consumer that accepts any handshake and [`signed_webhook`].
pub const OPEN: [&str; 4] = [
    "--variable",
    "open_handshake=true",
    "--variable",
    "weakest_scheme=plain",
];

/// Sets the key of [`signed_webhook`] by handshake.
pub async fn set_key(app: &Running) {
    let handshake = Request::post(app.url("/target?handshake=true"));
    let response = handshake
        .json(format!(r#"{{"keyData": "{KEY}"}}"#))
        .send()
        .await;
    assert_eq!(
        response.status,
        200,
        "the handshake failed: {}",
        response.text()
    );
}

/// Returns a webhook of 1 KiB with a `plain` signature.
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
