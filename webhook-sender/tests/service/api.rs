//! The API: access, tenants, events and replays.

use serde_json::json;
use test_support::Request;

use crate::api_world::{Api, TOKEN};
use crate::receiver::Receiver;
use crate::sender::{Setting, Store};

#[tokio::test]
async fn everything_under_v1_requires_the_token() {
    let api = Api::start().await;
    let url = |path: &str| format!("{}{path}", api.sender.api);
    for path in ["/v1/tenants", "/v1/openapi.json", "/v1/nothing"] {
        for authorization in ["", "Bearer", "Bearer x", "Basic x", TOKEN] {
            let request = Request::get(url(path)).header("authorization", authorization);
            let reply = request.send().await;
            assert_eq!(reply.status, 401, "{path} {authorization}");
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        }
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(Request::get(url(path)).send().await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_sender_without_a_token_does_not_listen_beyond_loopback() {
    let setting = Setting::new(Store::Sqlite).await;
    let file = setting.folder().join("open.toml");
    std::fs::write(
        &file,
        "[store]\nurl = \"sqlite://open.db\"\n[api]\nlisten = \"0.0.0.0:0\"\n",
    )
    .expect("a file");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_webhook-sender"))
        .args(["run", "--config", "open.toml"])
        .current_dir(setting.folder())
        .output()
        .expect("it can be run");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(error.contains("token"), "{error}");
}

#[tokio::test]
async fn resources_of_a_tenant_do_not_exist_for_another() {
    let api = Api::start().await;
    let receiver = Receiver::start(std::time::Duration::ZERO).await;
    assert_eq!(api.send("PUT", "/v1/tenants/other", None).await.status, 201);
    let url = format!("http://{}/hook", receiver.address);
    api.endpoint(json!({ "id": "orders", "url": url, "events": ["*"] }))
        .await;
    let event = json!({ "id": "evt_1", "type": "order.shipped", "data": 1 });
    api.send("POST", "/v1/tenants/acme/events", Some(event))
        .await;
    // The receiver has another secret and rejects the request: the delivery stays pending.
    let delivery = api.delivery("evt_1", "pending").await;
    let id = delivery["id"].as_str().expect("an id");
    let paths = [
        ("GET", "/v1/tenants/other/endpoints/orders".to_owned()),
        ("DELETE", "/v1/tenants/other/endpoints/orders".to_owned()),
        ("GET", format!("/v1/tenants/other/deliveries/{id}")),
    ];
    for (method, path) in paths {
        assert_eq!(
            api.send(method, &path, None).await.status,
            404,
            "{method} {path}"
        );
    }
    let body = Some(json!({ "delivery": id }));
    let replay = api.send("POST", "/v1/tenants/other/replay", body).await;
    assert_eq!(replay.status, 404);
    let listed = api
        .send("GET", "/v1/tenants/other/deliveries", None)
        .await
        .json();
    assert_eq!(listed["items"], json!([]));
}

#[tokio::test]
async fn the_secret_is_shown_once_and_never_again() {
    let api = Api::start().await;
    let url = "http://127.0.0.1:9/hook";
    let made = api
        .endpoint(json!({ "id": "orders", "url": url, "events": ["*"] }))
        .await;
    let secret = made["secret"].as_str().expect("a secret").to_owned();
    assert!(secret.starts_with("whsec_"), "{secret}");
    let path = "/v1/tenants/acme/endpoints/orders";
    let change = Some(json!({ "rate_limit": 5 }));
    let seen = [
        api.send("GET", path, None).await.text(),
        api.send("GET", "/v1/tenants/acme/endpoints", None)
            .await
            .text(),
        api.send("PATCH", path, change).await.text(),
        api.sender.log(),
    ];
    for text in seen {
        assert!(!text.contains(&secret), "{text}");
        assert!(!text.contains("\"secret\""), "{text}");
    }
    let rotated = api
        .send("POST", &format!("{path}/rotate-secret"), Some(json!({})))
        .await
        .json();
    assert_ne!(rotated["secret"], secret);

    let own = "abcdefghijklmnopqrstuvwxyz0123456789";
    let given = Some(json!({ "secret": own, "overlap": "0s" }));
    let given = api
        .send("POST", &format!("{path}/rotate-secret"), given)
        .await;
    assert_eq!(
        (given.status, given.json()),
        (200, json!({ "secret": own }))
    );
    for bad in ["", "whpk_AAAA", "whsec_AAAA"] {
        let bad = Some(json!({ "secret": bad }));
        let refused = api
            .send("POST", &format!("{path}/rotate-secret"), bad)
            .await;
        assert_eq!(refused.status, 422, "{}", refused.text());
        assert!(refused.text().contains("secret: "), "{}", refused.text());
    }
}

#[tokio::test]
async fn an_event_published_twice_is_delivered_once() {
    let api = Api::start().await;
    let receiver = Receiver::start(std::time::Duration::ZERO).await;
    let url = format!("http://{}/hook", receiver.address);
    let secret = crate::sender::SECRET;
    api.endpoint(json!({ "url": url, "events": ["*"], "secret": secret }))
        .await;
    let published = [
        ("evt_1", json!({ "id": "evt_1" })),
        ("evt_1", json!({ "id": "evt_1", "duplicate": true })),
        ("evt_2", json!({ "id": "evt_2" })),
    ];
    for (id, response) in published {
        let event = json!({ "id": id, "type": "order.shipped", "data": { "number": 1 } });
        let reply = api
            .send("POST", "/v1/tenants/acme/events", Some(event))
            .await;
        assert_eq!((reply.status, reply.json()), (202, response));
    }
    let first = api.delivery("evt_1", "succeeded").await;
    api.delivery("evt_2", "succeeded").await;
    assert_eq!(
        first["attempts"].as_array().map(Vec::len),
        Some(1),
        "{first}"
    );
    assert_eq!(first["attempts"][0]["status"], 200, "{first}");
    assert_eq!(receiver.counts.different(), 2);
    assert_eq!(receiver.counts.duplicates(), 0);
}

#[tokio::test]
async fn a_dead_delivery_can_be_replayed() {
    let api = Api::start().await;
    let mut receiver = Receiver::start(std::time::Duration::ZERO).await;
    let url = format!("http://{}/hook", receiver.address);
    let secret = crate::sender::SECRET;
    let endpoint = json!({ "url": url, "events": ["*"], "secret": secret, "retry": "once" });
    api.endpoint(endpoint).await;
    receiver.kill();
    let event = json!({ "id": "evt_1", "type": "order.shipped", "data": 1 });
    api.send("POST", "/v1/tenants/acme/events", Some(event))
        .await;
    let dead = api.delivery("evt_1", "dead").await;
    assert_eq!(dead["attempts"][0]["phase"], "connect", "{dead}");
    receiver.restart(std::time::Duration::ZERO).await;
    let body = Some(json!({ "delivery": dead["id"] }));
    let replay = api.send("POST", "/v1/tenants/acme/replay", body).await;
    assert_eq!((replay.status, replay.json()), (202, json!({ "count": 1 })));
    let done = api.delivery("evt_1", "succeeded").await;
    assert_eq!(done["attempts"].as_array().map(Vec::len), Some(2), "{done}");
}

#[tokio::test]
async fn a_body_that_could_not_be_transformed_is_rendered_when_it_is_replayed() {
    let api = Api::start().await;
    let receiver = test_support::Receiver::start().await;
    let endpoint = json!({
        "url": receiver.url("/hook"), "events": ["*"], "secret": crate::sender::SECRET,
        "transform": "{'number': event.data.number}",
    });
    let endpoint = api.endpoint(endpoint).await;
    let event = json!({ "id": "evt_1", "type": "order.shipped", "data": { "count": 1 } });
    api.send("POST", "/v1/tenants/acme/events", Some(event))
        .await;
    let dead = api.delivery("evt_1", "dead").await;
    let reason = dead["reason"].as_str().unwrap_or_default();
    assert!(reason.starts_with("transform: "), "{dead}");

    let replay = || async {
        let body = Some(json!({ "delivery": dead["id"] }));
        let replay = api.send("POST", "/v1/tenants/acme/replay", body).await;
        assert_eq!((replay.status, replay.json()), (202, json!({ "count": 1 })));
    };
    replay().await;
    assert_eq!(
        api.delivery("evt_1", "dead").await["reason"],
        dead["reason"]
    );

    let id = endpoint["id"].as_str().expect("its id");
    let mended = Some(json!({ "transform": "{'number': event.data.count}" }));
    let path = format!("/v1/tenants/acme/endpoints/{id}");
    assert_eq!(api.send("PATCH", &path, mended).await.status, 200);
    replay().await;
    api.delivery("evt_1", "succeeded").await;
    let received = receiver.received(1).await;
    assert_eq!(received[0].body[..], *br#"{"number":1}"#);
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn the_openapi_document_lists_exactly_the_methods_that_are_served() {
    let api = Api::start().await;
    let document = api.send("GET", "/v1/openapi.json", None).await.json();
    let paths = document["paths"].as_object().expect("paths");
    for (path, operations) in paths {
        let names = [
            // A tenant that does not exist, because it may be deleted.
            ("{tenant}", "nobody"),
            ("{endpoint}", "none"),
            ("{delivery}", "dlv_none"),
            ("{id}", "none"),
        ];
        let concrete = names.iter().fold(path.clone(), |path, (name, given)| {
            path.replace(name, given)
        });
        let described = operations.as_object().expect("operations");
        for method in ["get", "put", "post", "patch", "delete"] {
            let reply = api.send(&method.to_uppercase(), &concrete, None).await;
            let known = reply.status != 405;
            assert_eq!(
                described.contains_key(method),
                known,
                "{method} {path}: {}",
                reply.status
            );
        }
        // `PUT` has created it.
        api.send("DELETE", "/v1/tenants/nobody", None).await;
    }
}

#[tokio::test]
async fn data_is_limited_to_the_maximum_size() {
    let api = Api::start().await;
    let publish = async |bytes: usize| {
        let data = "x".repeat(bytes - 2);
        let event = json!({ "type": "order.shipped", "data": data });
        api.send("POST", "/v1/tenants/acme/events", Some(event))
            .await
    };
    assert_eq!(publish(1 << 20).await.status, 202);
    let reply = publish((1 << 20) + 1).await;
    assert_eq!(
        (reply.status, &reply.json()["code"]),
        (413, &json!("too-large"))
    );
}
