//! The values of `sslmode`.

use test_support::postgres::{Fsync, PostgresServer};
use test_support::tls::Authority;
use webhook_store::Queries;
use webhook_store::postgres::{ConnectError, OpenError, PostgresStore};

use crate::world::{address, open};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sslmode_checks_what_it_says() {
    let authority = Authority::generate();
    let server = PostgresServer::start_with(Fsync::Off, &[]).await;
    // For a name that is not the host's: only `verify-full` checks it.
    let (certificate, key) = authority.certificate("db.example");
    server.use_certificate(&certificate, &key).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, pem: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path.display().to_string()
    };
    let ours = file("ours.pem", &authority.pem());
    // Of the same name, with another key.
    let others = file("others.pem", &Authority::generate().pem());

    for query in [
        "sslmode=disable".to_owned(),
        "sslmode=prefer".to_owned(),
        "sslmode=require".to_owned(),
        format!("sslmode=require&sslrootcert={ours}"),
        format!("sslmode=verify-ca&sslrootcert={ours}"),
    ] {
        let store = open(&format!("{}?{query}", server.url())).await;
        store.ping().await.unwrap();
    }
    for (query, reason) in [
        (
            format!("sslmode=require&sslrootcert={others}"),
            "bad signature",
        ),
        (
            format!("sslmode=verify-ca&sslrootcert={others}"),
            "bad signature",
        ),
        (
            format!("sslmode=verify-full&sslrootcert={ours}"),
            "not valid for",
        ),
        ("sslmode=verify-full".to_owned(), "trusted authority"),
    ] {
        let url = format!("{}?{query}", server.url());
        let error = PostgresStore::open(address(&url))
            .await
            .map(drop)
            .unwrap_err();
        assert!(
            matches!(error, OpenError::Connect(ConnectError::TlsFailed { .. })),
            "{query}: {error}"
        );
        assert!(error.to_string().contains(reason), "{query}: {error}");
    }

    let (certificate, key) = authority.certificate("127.0.0.1");
    server.use_certificate(&certificate, &key).await;
    let url = format!("{}?sslmode=verify-full&sslrootcert={ours}", server.url());
    let encrypted = "SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
        WHERE a.application_name = 'webhook-sender' AND s.ssl";
    let store = open(&url).await;
    store.ping().await.unwrap();
    assert_ne!(server.sql(encrypted), "0");
}
