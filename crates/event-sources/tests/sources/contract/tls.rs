//! Encrypted connections. The authorities come from the environment of a process, so the source runs in
//! one of its own.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use event_sources::{Intake, Source, nats, rabbitmq};
use tempfile::TempDir;
use test_support::nats::NatsServer;
use test_support::rabbitmq::RabbitServer;
use test_support::tls::Authority;
use test_support::{free_port, with_timeout};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use webhook_model::Clock;

use crate::broker::{Entry, Kind, Queue};
use crate::recorder::Recorder;

/// The variable with the URL of the source that the other process reads.
const URL: &str = "TEST_SOURCE_URL";

const QUEUE: &str = "encrypted";

/// Writes an authority, a certificate that it has issued, and its key.
fn write_certificates(folder: &Path) {
    let authority = Authority::generate();
    let (certificate, key) = authority.issue();
    let files = [
        ("ca.pem", authority.pem()),
        ("server.pem", certificate),
        ("key.pem", key),
    ];
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

/// Runs `read_one_entry` in a process that trusts the authorities in a file. Returns whether it passed,
/// and its output.
async fn read_in_another_process(url: &str, authorities: &Path) -> (bool, String) {
    let program = std::env::current_exe().unwrap();
    let reading = Command::new(program)
        .args(["--exact", "--ignored", "--nocapture", "tls::read_one_entry"])
        .env(URL, url)
        .env("SSL_CERT_FILE", authorities)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = with_timeout(reading, || format!("an entry of {url}"));
    let output = output.await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
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
    let (passed, output) = read_in_another_process(&url, &folder.path().join("ca.pem")).await;
    assert!(passed, "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_is_read_over_tls_with_a_password() {
    let folder = TempDir::new().unwrap();
    write_certificates(folder.path());
    let at = folder.path().display();
    let settings = format!(
        "tls {{ cert_file: \"{at}/server.pem\", key_file: \"{at}/key.pem\" }}\n\
         authorization {{ user: me, password: s3cret }}\n"
    );
    let server = NatsServer::start_with(&settings).await;
    let options = async_nats::ConnectOptions::with_user_and_password("me".into(), "s3cret".into())
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
    let url = format!("tls://me:s3cret@{}", server.address());
    let (passed, output) = read_in_another_process(&url, &folder.path().join("ca.pem")).await;
    assert!(passed, "{output}");
    assert!(!output.contains("s3cret@"), "{output}");
}

/// Reads one entry of the source in the environment. The tests above run it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the other process of the tests above"]
async fn read_one_entry() {
    let url = std::env::var(URL).expect("the URL of a source");
    let sink = Recorder::new();
    let clock = Clock::system();
    let (intake, stats) = if url.starts_with("amqps:") {
        let address = rabbitmq::Address::parse(&url).unwrap();
        let settings = rabbitmq::Settings::new("source", address, QUEUE);
        let source = rabbitmq::RabbitQueue::new(settings, clock).unwrap();
        let stats = source.info().stats.clone();
        (Intake::new(source, sink.clone()), stats)
    } else {
        let address = nats::Address::parse(&url).unwrap();
        let settings = nats::Settings::new("source", address, QUEUE, "group");
        let source = nats::JetStream::new(settings, clock);
        let stats = source.info().stats.clone();
        (Intake::new(source, sink.clone()), stats)
    };
    let (intake, stop) = (Arc::new(intake), CancellationToken::new());
    let running = tokio::spawn({
        let (intake, stop) = (intake.clone(), stop.clone());
        async move { intake.run(stop).await }
    });
    let read = async {
        while stats.snapshot().acknowledged < 1 {
            // A failure to connect has its reason here.
            if let Err(error) = intake.ping().await {
                eprintln!("{error}");
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    with_timeout(read, || format!("an entry: {stats:?}")).await;
    assert_eq!(sink.data(), ["1"]);
    stop.cancel();
    running.await.unwrap();
}
