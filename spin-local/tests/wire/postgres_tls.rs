//! Outbound PostgreSQL over TLS, with a private server.

use serde_json::{Value, json};
use test_support::postgres::{Fsync, PostgresServer};
use test_support::tls::Authority;
use test_support::{App, Running};

use crate::probe::*;

/// A server with a certificate for 127.0.0.1.
struct Server {
    server: PostgresServer,
    authority: Authority,
}

impl Server {
    async fn start() -> Self {
        let authority = Authority::generate();
        let server = PostgresServer::start(Fsync::Off).await;
        let (certificate, key) = authority.certificate("127.0.0.1");
        server.use_certificate(&certificate, &key).await;
        Self { server, authority }
    }

    /// Returns the path of an operation of the probe at `host`, with percent-encoding.
    fn path(&self, operation: &str, host: &str, mode: &str) -> String {
        let port = self.server.address().port();
        let address = format!("postgres://postgres@{host}:{port}/postgres%3Fsslmode%3D{mode}");
        format!("/postgres/{operation}?address={address}")
    }

    fn probe(&self) -> App {
        let port = self.server.address().port();
        probe_with(&format!(
            "allowed_outbound_hosts = [\"postgres://127.0.0.1:{port}\", \"postgres://localhost:{port}\"]"
        ))
    }

    /// Returns the probe on a system that trusts the authority.
    fn trusting_probe(&self) -> App {
        let app = self.probe();
        let file = app.file("authority.pem", &self.authority.pem());
        app.environment("SSL_CERT_FILE", file.to_str().expect("a path of text"))
    }
}

/// Returns `true` if the connection is encrypted.
async fn is_encrypted(app: &Running, path: &str) -> bool {
    let statement = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let body = json!({ "statement": statement, "parameters": [] }).to_string();
    let reply = post(app, path, &body).await;
    let shown = reply["ok"]["rows"][0][0].as_str().map(str::to_owned);
    let shown = shown.unwrap_or_else(|| panic!("{reply}"));
    shown.contains("Boolean(true)")
}

fn assert_not_trusted(reply: &Value) {
    assert_eq!(error_of(reply), "connection-failed", "{reply}");
    assert!(reply.to_string().contains("certificate"), "{reply}");
}

#[tokio::test]
async fn a_connection_is_encrypted_unless_its_address_disables_it() {
    let server = Server::start().await;
    let app = start(&server.trusting_probe()).await;
    for (mode, expected) in [("require", true), ("prefer", true), ("disable", false)] {
        let path = server.path("query", "127.0.0.1", mode);
        assert_eq!(is_encrypted(&app, &path).await, expected, "{mode}");
    }
}

#[tokio::test]
async fn a_server_must_have_a_certificate_of_a_trusted_authority_for_its_host() {
    let server = Server::start().await;
    let trusting = start(&server.trusting_probe()).await;
    let other_host = server.path("open", "localhost", "require");
    assert_not_trusted(&get_json(&trusting, &other_host).await);
    let app = start(&server.probe()).await;
    let path = server.path("open", "127.0.0.1", "require");
    assert_not_trusted(&get_json(&app, &path).await);
}

#[tokio::test]
async fn a_guest_can_trust_an_authority_for_one_connection() {
    let server = Server::start().await;
    let app = start(&server.probe()).await;
    let trusting = server.path("open-trusting", "127.0.0.1", "require");
    let trusted = post(&app, &trusting, &server.authority.pem()).await;
    assert_eq!(trusted, json!({ "ok": null }));
    let other = Authority::generate().pem();
    assert_not_trusted(&post(&app, &trusting, &other).await);
    let invalid = post(&app, &trusting, "not PEM").await;
    assert_eq!(error_of(&invalid), "other", "{invalid}");
    // The next connection does not trust it.
    let path = server.path("open", "127.0.0.1", "require");
    assert_not_trusted(&get_json(&app, &path).await);
}

#[tokio::test]
async fn a_server_without_tls_is_an_error_if_the_address_requires_it() {
    let server = PostgresServer::start(Fsync::Off).await;
    let address = server.address();
    let entry = format!("allowed_outbound_hosts = [\"postgres://{address}\"]");
    let app = start(&probe_with(&entry)).await;
    let url = format!("postgres://postgres@{address}/postgres%3Fsslmode%3Drequire");
    let reply = get_json(&app, &format!("/postgres/open?address={url}")).await;
    assert_eq!(error_of(&reply), "connection-failed", "{reply}");
}
