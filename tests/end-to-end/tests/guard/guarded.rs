//! Apps behind the guard, and the requests that the guarded app received.

use test_support::{App, Reply, Running, Runtime, components};

use crate::signing::KEY;

/// The token that a handshake needs.
pub const TOKEN: &str = "s3cret";

/// Returns the guarded app of `examples/` with the defaults of its manifest.
pub fn as_delivered() -> App {
    App::from(components::guarded_app())
}

/// Returns the app with every scheme accepted, and with handshakes that need [`TOKEN`].
pub fn example() -> App {
    let app = with_variable(as_delivered(), "weakest_scheme", "plain");
    with_variable(app, "handshake_token", TOKEN)
}

/// Returns the app with the key that the tests sign with.
pub fn app() -> App {
    with_variable(example(), "signing_key", KEY)
}

pub fn with_variable(app: App, name: &str, value: &str) -> App {
    app.args(["--variable".to_owned(), format!("{name}={value}")])
}

/// Returns the guard in front of the probe, which may call `hosts`. `guarded` is the value of the
/// variable `guarded_component`.
pub fn probe_as(guarded: &str, hosts: &str) -> App {
    let (guard, signature) = components::guard();
    let probe = components::probe();
    App::of_text(&format!(
        r#"
spin_manifest_version = 2
[application]
name = "guarded-probe"
[[trigger.http]]
route = "/..."
component = "guard"
[[trigger.http]]
route = {{ private = true }}
component = "probe"
[[trigger.http]]
route = {{ private = true }}
component = "forbidden"

[component.guard]
source = {guard:?}
allowed_outbound_hosts = ["http://probe.spin.internal", "http://nobody.spin.internal"]
sqlite_databases = ["default"]
[component.guard.variables]
guarded_component = {guarded:?}
handshake_path = ""
handshake_token = ""
signing_key = {KEY:?}
signing_key_previous = ""
weakest_scheme = "plain"
tolerance_seconds = "300"
key_overlap_seconds = "0"
retry_horizon_seconds = "3600"
seen_ids_max = "1000"
store_url = ""
[component.guard.dependencies]
"signed-webhooks:signature@0.1.0" = {{ path = {signature:?} }}

[component.probe]
source = {probe:?}
allowed_outbound_hosts = [{hosts}]
[component.forbidden]
source = {probe:?}
"#
    ))
}

pub fn probe(hosts: &str) -> App {
    probe_as("probe", hosts)
}

/// The runtime of the tests.
pub fn runtime() -> Runtime {
    Runtime::spin_local()
}

/// Returns `true` on Spin, after printing why the test says nothing about it.
pub fn left_out_on_spin(why: &str) -> bool {
    let left_out = runtime().is_spin();
    if left_out {
        eprintln!("left out on Spin: {why}");
    }
    left_out
}

pub async fn start(app: &App) -> Running {
    app.start(&runtime()).await
}

/// Returns the paths at which the probe breaks off its response.
///
/// Spin completes a chunked response whose component traps after the head, so that the guard cannot see it.
pub fn incomplete() -> &'static [&'static str] {
    let paths = &["/late-trap?length=1000", "/late-trap"];
    if runtime().is_spin() {
        &paths[..1]
    } else {
        paths
    }
}

/// Returns the lines that the guarded app printed, without queries: one per request that reached it.
pub fn reached(app: &Running) -> Vec<String> {
    app.log("app").lines().map(str::to_owned).collect()
}

/// A request as the guarded app received it.
pub struct ReceivedRequest {
    /// Method and target.
    pub line: String,
    /// The headers without those of the runtime, sorted by name; equal names keep their order.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl ReceivedRequest {
    pub fn of(reply: &Reply) -> Self {
        Self::of_bytes(&reply.body)
    }

    pub fn of_bytes(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|at| at == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head in {}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).expect("a head of text");
        let (line, headers) = head.split_once("\r\n").unwrap_or((&head, ""));
        let mut headers: Vec<_> = headers
            .split("\r\n")
            .map(|header| {
                let (name, value) = header.split_once(": ").expect("a header");
                (name.to_owned(), value.as_bytes().to_vec())
            })
            .filter(|(name, _)| !name.starts_with("spin-"))
            .collect();
        headers.sort_by(|(one, _), (other, _)| one.cmp(other));
        let body = bytes[end + 4..].to_vec();
        let line = line.to_owned();
        Self {
            line,
            headers,
            body,
        }
    }
}

/// Asserts that the response is a problem document with this code.
pub fn assert_problem(reply: &Reply, status: u16, code: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(reply.json()["code"], code, "{reply:?}");
}
