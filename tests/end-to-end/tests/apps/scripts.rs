//! The commands of `make register-consumer` and `make fire-webhook`.

use std::process::{Command, Output};

use test_support::{Behaviour, Receiver, components};

use crate::producer::Producer;

async fn run(script: &str, addresses: &[String]) -> (bool, String, String) {
    let script = components::root().join("scripts").join(script);
    let mut command = Command::new("sh");
    command.arg(script).args(addresses);
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let Output {
        status,
        stdout,
        stderr,
    } = output.expect("no panic").expect("`sh` can be run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (status.success(), text(&stdout), text(&stderr))
}

/// Returns an address without a listener.
async fn unused_address() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let address = listener.and_then(|listener| listener.local_addr());
    address.expect("a port is free").to_string()
}

#[tokio::test]
async fn without_a_producer_each_command_explains_how_to_start_it() {
    let unused = unused_address().await;
    for (script, addresses) in [
        ("register-consumer.sh", vec![unused.clone(), unused.clone()]),
        ("fire-webhook.sh", vec![unused.clone()]),
    ] {
        let (succeeded, _, errors) = run(script, &addresses).await;
        assert!(!succeeded, "{script}");
        assert!(errors.contains("make start-producer"), "{errors}");
        assert!(!errors.contains("curl: ("), "{errors}");
    }
}

#[tokio::test]
async fn firing_succeeds_only_if_a_consumer_accepted_the_webhook() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    let address = producer.0.address().to_string();
    let fire = || run("fire-webhook.sh", std::slice::from_ref(&address));

    let (succeeded, rows, errors) = fire().await;
    assert_eq!((succeeded, rows.as_str()), (false, "[]\n"));
    assert!(errors.contains("make register-consumer"), "{errors}");

    let consumer = receiver.address().to_string();
    let register = [address.clone(), consumer];
    let (succeeded, response, errors) = run("register-consumer.sh", &register).await;
    assert!(
        succeeded && response.contains("\"event\":\"*\""),
        "{response}{errors}"
    );
    let (succeeded, rows, errors) = fire().await;
    assert!(succeeded && rows.ends_with("}]\n"), "{rows}{errors}");

    receiver.on("/target", Behaviour::status(500));
    let (succeeded, rows, _) = fire().await;
    assert!(!succeeded && rows.contains("500"), "{rows}");

    producer.register(&receiver.url("/other"), "*").await;
    let (succeeded, rows, errors) = fire().await;
    assert!(succeeded, "one of two accepted it: {rows}{errors}");
}

#[tokio::test]
async fn an_unreachable_or_refusing_consumer_is_reported() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    let address = producer.0.address().to_string();
    let addresses = [address.clone(), unused_address().await];
    let (succeeded, _, errors) = run("register-consumer.sh", &addresses).await;
    assert!(
        !succeeded && errors.contains("make start-consumer"),
        "{errors}"
    );
    receiver.on("/target", Behaviour::status(403));
    let consumer = receiver.address().to_string();
    let (succeeded, _, errors) = run("register-consumer.sh", &[address, consumer]).await;
    assert!(
        !succeeded && errors.contains("refused the handshake"),
        "{errors}"
    );
}
