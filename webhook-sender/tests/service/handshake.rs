//! Handshakes, which are sent like every request to their endpoints.

use serde_json::json;
use test_support::{Behaviour, Receiver, Recorded, Request, with_timeout};

use crate::sender::{Setting, Store};

const LOOPBACK: &str = "allow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n";

fn assert_as_of_the_endpoint(handshake: &Recorded) {
    assert_eq!(handshake.query.as_deref(), Some("handshake=true"));
    assert_eq!(handshake.header("authorization"), Some("Bearer t0ken"));
    assert_eq!(handshake.header("content-type"), Some("application/json"));
    let agent = format!("webhook-sender/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(handshake.header("user-agent"), Some(agent.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_of_the_file_carries_the_endpoints_headers() {
    let receiver = Receiver::start().await;
    let setting = Setting::new(Store::Sqlite).await;
    let url = receiver.url("/hook");
    setting.configure(
        "sender",
        &format!(
            "[delivery]\n{LOOPBACK}[[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\n\
             id = \"orders\"\nurl = \"{url}\"\nevents = [\"*\"]\nhandshake = \"key\"\n\
             headers = {{ Authorization = \"Bearer t0ken\" }}\n"
        ),
    );
    let _sender = setting.start("sender");
    assert_as_of_the_endpoint(&receiver.received(1).await[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_of_the_api_carries_the_endpoints_headers_and_ends_with_its_timeout() {
    let receiver = Receiver::start().await;
    let setting = Setting::new(Store::Sqlite).await;
    // Far longer than this test waits.
    let slow = "timeout = \"5m\"\nlease = \"10m\"\n";
    setting.configure("sender", &format!("[delivery]\n{LOOPBACK}{slow}"));
    let sender = setting.start("sender");
    let tenant = format!("{}/v1/tenants/acme", sender.api);
    assert_eq!(Request::new("PUT", &tenant).send().await.status, 201);
    let declare = async |path: &str| {
        let endpoint = json!({
            "url": receiver.url(path), "events": ["*"], "handshake": "key", "timeout": "100ms",
            "headers": { "Authorization": "Bearer t0ken" },
        });
        let declared = Request::post(format!("{tenant}/endpoints")).json(endpoint.to_string());
        with_timeout(declared.send(), || format!("{path}\n{}", sender.log())).await
    };
    let reply = declare("/hook").await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert_as_of_the_endpoint(&receiver.received(1).await[0]);

    receiver.on("/hang", Behaviour::hang());
    let reply = declare("/hang").await;
    assert_eq!(reply.status, 502, "{}", reply.text());
    assert!(reply.text().contains("timed out"), "{}", reply.text());
}
