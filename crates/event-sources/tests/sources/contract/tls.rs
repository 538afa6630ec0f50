//! Encrypted connections. The authorities come from the environment of a process, so the source runs in
//! one of its own.

use std::path::Path;

use tempfile::TempDir;
use test_support::free_port;
use test_support::nats::NatsServer;
use test_support::rabbitmq::RabbitServer;
use test_support::tls::Authority;

use crate::contract::broker::Kind;
use crate::contract::entry::Entry;
use crate::contract::process::{Ended, Reader};
use crate::contract::queue::Queue;
use crate::contract::world::MAX_DATA;

const QUEUE: &str = "encrypted";

/// Writes an authority, a certificate that it has issued, and its key.
fn write_certificates(folder: &Path) {
    let authority = Authority::generate();
    let (certificate, key) = authority.certificate("127.0.0.1");
    let files = [
        ("ca.pem", authority.pem()),
        ("server.pem", certificate),
        ("key.pem", key),
    ];
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

/// Reads one entry in a process that trusts the authorities in a file.
async fn read_one_entry(url: &str, authorities: &Path) -> Ended {
    let reader = Reader {
        url,
        queue: QUEUE,
        count: 1,
        max_data: MAX_DATA,
        environment: &[("SSL_CERT_FILE", authorities.display().to_string())],
    };
    reader.run().await
}

fn entries() -> [Entry<'static>; 1] {
    [Entry {
        tenant: "acme",
        id: "1".into(),
        data: b"1",
    }]
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_is_read_over_tls() {
    let folder = TempDir::new().unwrap();
    write_certificates(folder.path());
    let (port, at) = (free_port(), folder.path().display());
    let settings = format!(
        "listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.cacertfile = {at}/ca.pem\n\
         ssl_options.certfile = {at}/server.pem\nssl_options.keyfile = {at}/key.pem\n"
    );
    let server = RabbitServer::start_with(&settings).await;
    let queue = Queue {
        kind: Kind::ClassicQueue,
        address: server.address(),
        name: QUEUE.into(),
    };
    queue.declare().await;
    queue.publish(&entries()).await;
    let url = format!("amqps://guest:guest@127.0.0.1:{port}");
    let Ended { passed, output } = read_one_entry(&url, &folder.path().join("ca.pem")).await;
    assert!(passed, "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_is_read_over_tls_with_a_password() {
    let folder = TempDir::new().unwrap();
    write_certificates(folder.path());
    let at = folder.path().display();
    let settings = format!(
        "tls {{ cert_file: \"{at}/server.pem\", key_file: \"{at}/key.pem\" }}\n\
         authorization {{ user: me, password: \"s3cret/\" }}\n"
    );
    let server = NatsServer::start_with(&settings).await;
    let options = async_nats::ConnectOptions::with_user_and_password("me".into(), "s3cret/".into())
        .add_root_certificates(folder.path().join("ca.pem"));
    let client = options.connect(server.address().to_string()).await.unwrap();
    let context = async_nats::jetstream::new(client);
    let config = async_nats::jetstream::stream::Config {
        name: QUEUE.into(),
        subjects: vec![QUEUE.into()],
        ..Default::default()
    };
    context.create_stream(config).await.unwrap();
    let body = r#"{"tenant": "acme", "type": "a.b", "data": 1}"#;
    let sent = context.publish(QUEUE, body.into()).await.unwrap();
    sent.await.unwrap();
    let url = format!("tls://me:s3cret%2F@{}", server.address());
    let Ended { passed, output } = read_one_entry(&url, &folder.path().join("ca.pem")).await;
    assert!(passed, "{output}");
    assert!(!output.contains("s3cret"), "{output}");
}
