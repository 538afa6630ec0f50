//! The API: what it answers, and every way in which it says no.

use serde_json::{Value, json};
use test_support::{Request, with_timeout};

use crate::api_world::{Api, TOKEN};
use crate::receiver::Receiver;
use crate::sender::{Setting, Store};

#[tokio::test]
async fn every_refusal_is_a_problem_document_with_its_code() {
    let api = Api::start().await;
    let e = "/v1/tenants/acme/endpoints";
    let events = "/v1/tenants/acme/events";
    let url = "http://127.0.0.1:9/hook";
    api.endpoint(json!({ "id": "orders", "url": url, "events": ["order.*"] }))
        .await;
    let cases: &[(&str, &str, Option<Value>, u16, &str)] = &[
        ("GET", "/v1/nothing", None, 404, "not-found"),
        ("GET", "/nothing", None, 404, "not-found"),
        ("DELETE", "/v1/tenants", None, 405, "method-not-allowed"),
        ("PUT", "/v1/tenants/Acme", None, 422, "invalid"),
        ("PUT", "/v1/tenants/-acme", None, 422, "invalid"),
        ("GET", "/v1/tenants/nobody", None, 404, "not-found"),
        ("DELETE", "/v1/tenants/nobody", None, 404, "not-found"),
        (
            "GET",
            "/v1/tenants/nobody/endpoints",
            None,
            404,
            "not-found",
        ),
        ("GET", "/v1/tenants/%FF", None, 400, "bad-path"),
        (
            "GET",
            "/v1/tenants/nobody/deliveries",
            None,
            404,
            "not-found",
        ),
        (
            "GET",
            "/v1/tenants/nobody/dead-letters",
            None,
            404,
            "not-found",
        ),
        (
            "POST",
            "/v1/tenants/nobody/events",
            Some(json!({"type": "a", "data": 1})),
            404,
            "not-found",
        ),
        (
            "POST",
            "/v1/tenants/nobody/replay",
            Some(json!({"state": "dead"})),
            404,
            "not-found",
        ),
        (
            "GET",
            "/v1/tenants/acme/endpoints/other",
            None,
            404,
            "not-found",
        ),
        (
            "PATCH",
            "/v1/tenants/acme/endpoints/other",
            Some(json!({"enabled": false})),
            404,
            "not-found",
        ),
        (
            "DELETE",
            "/v1/tenants/acme/endpoints/other",
            None,
            404,
            "not-found",
        ),
        (
            "POST",
            "/v1/tenants/acme/endpoints/other/rotate-secret",
            Some(json!({})),
            404,
            "not-found",
        ),
        (
            "GET",
            "/v1/tenants/acme/deliveries/dlv_0",
            None,
            404,
            "not-found",
        ),
        (
            "GET",
            "/v1/tenants/acme/deliveries?state=lost",
            None,
            422,
            "invalid",
        ),
        (
            "GET",
            "/v1/tenants/acme/deliveries?limit=0",
            None,
            422,
            "invalid",
        ),
        (
            "GET",
            "/v1/tenants/acme/deliveries?limit=many",
            None,
            400,
            "bad-query",
        ),
        (
            "GET",
            "/v1/tenants/acme/deliveries?colour=red",
            None,
            400,
            "bad-query",
        ),
        (
            "GET",
            "/v1/tenants/acme/deliveries?from=yesterday",
            None,
            422,
            "invalid",
        ),
        (
            "GET",
            "/v1/tenants/acme/deliveries?cursor=%21",
            None,
            400,
            "bad-cursor",
        ),
        (
            "POST",
            "/v1/dead-letters/none/retry",
            Some(json!({})),
            404,
            "not-found",
        ),
        (
            "POST",
            "/v1/tenants/acme/replay",
            Some(json!({})),
            422,
            "invalid",
        ),
        (
            "POST",
            "/v1/tenants/acme/replay",
            Some(json!({"delivery": "dlv_0"})),
            404,
            "not-found",
        ),
        (
            "POST",
            "/v1/tenants/acme/replay",
            Some(json!({"all": true})),
            400,
            "bad-body",
        ),
        ("POST", e, Some(json!({"events": ["*"]})), 422, "invalid"),
        ("POST", e, Some(json!({"url": url})), 422, "invalid"),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": []})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["a*"]})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": "ftp://host/x", "events": ["*"]})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": "http://u:p@host/x", "events": ["*"]})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": "http://10.0.0.1/", "events": ["*"]})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": "http://0x7f.1:80@10.0.0.1/", "events": ["*"]})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "filter": "event.data."})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "transform": "nope.x"})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "secret": "whsec_short"})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "schemes": ["md5"]})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "schemes": []})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "retry": "never"})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "retry": {"schedule": []}})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "timeout": "soon"})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "timeout": "31s"})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "rate_limit": 0})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "max_in_flight": 0})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "id": "Orders"})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "headers": {"host": "x"}})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "headers": {"webhook-id": "x"}})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "colour": "red"})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "id": "orders"})),
            409,
            "conflict",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "handshake": "key"})),
            502,
            "handshake-failed",
        ),
        (
            "PATCH",
            "/v1/tenants/acme/endpoints/orders",
            Some(json!({"url": "nowhere"})),
            422,
            "invalid",
        ),
        (
            "PATCH",
            "/v1/tenants/acme/endpoints/orders",
            Some(json!({"secret": "x"})),
            422,
            "invalid",
        ),
        (
            "POST",
            "/v1/tenants/acme/endpoints/orders/rotate-secret",
            Some(json!({"overlap": "long"})),
            422,
            "invalid",
        ),
        ("POST", events, Some(json!({"data": 1})), 422, "invalid"),
        (
            "POST",
            events,
            Some(json!({"type": "order.shipped"})),
            422,
            "invalid",
        ),
        (
            "POST",
            events,
            Some(json!({"type": "", "data": 1})),
            422,
            "invalid",
        ),
        (
            "POST",
            events,
            Some(json!({"type": "order..x", "data": 1})),
            422,
            "invalid",
        ),
        (
            "POST",
            events,
            Some(json!({"type": "operational.x", "data": 1})),
            422,
            "invalid",
        ),
        (
            "POST",
            events,
            Some(json!({"type": "a", "data": 1, "id": "a.b"})),
            422,
            "invalid",
        ),
        (
            "POST",
            events,
            Some(json!({"type": "a", "data": 1, "id": ""})),
            422,
            "invalid",
        ),
        (
            "POST",
            events,
            Some(json!({"type": "a", "data": 1, "timestamp": "noon"})),
            422,
            "invalid",
        ),
        (
            "POST",
            events,
            Some(json!({"type": "a", "data": 1, "colour": "red"})),
            400,
            "bad-body",
        ),
    ];
    for (method, path, body, status, code) in cases {
        let reply = api.send(method, path, body.clone()).await;
        let shown = format!(
            "{method} {path} {body:?}: {} {}",
            reply.status,
            reply.text()
        );
        assert_eq!(reply.status, *status, "{shown}");
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json"),
            "{shown}"
        );
        assert_eq!(reply.json()["code"], *code, "{shown}");
    }
}

#[tokio::test]
async fn bodies_that_are_no_json_are_told_apart() {
    let api = Api::start().await;
    let path = "/v1/tenants/acme/events";
    let code = async |request: Request| {
        let reply = request.send().await;
        (
            reply.status,
            reply.json()["code"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let broken = api.request("POST", path).json("{\"type\": ");
    assert_eq!(code(broken).await, (400, "bad-body".into()));
    let untyped = api
        .request("POST", path)
        .body(r#"{"type": "a", "data": 1}"#);
    assert_eq!(code(untyped).await, (415, "not-json".into()));
    let huge = format!(r#"{{"type": "a", "data": "{}"}}"#, "x".repeat(3 << 20));
    let huge = api.request("POST", path).json(huge);
    assert_eq!(code(huge).await, (413, "too-large".into()));
}

#[tokio::test]
async fn without_the_token_nothing_under_v1_answers() {
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
async fn a_tenants_things_do_not_exist_for_another() {
    let api = Api::start().await;
    let receiver = Receiver::start(std::time::Duration::ZERO).await;
    assert_eq!(api.send("PUT", "/v1/tenants/other", None).await.status, 201);
    let url = format!("http://{}/hook", receiver.address);
    api.endpoint(json!({ "id": "orders", "url": url, "events": ["*"] }))
        .await;
    let event = json!({ "id": "evt_1", "type": "order.shipped", "data": 1 });
    api.send("POST", "/v1/tenants/acme/events", Some(event))
        .await;
    // The receiver holds another secret and refuses: pending is where it stays.
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
    for (id, answer) in published {
        let event = json!({ "id": id, "type": "order.shipped", "data": { "number": 1 } });
        let reply = api
            .send("POST", "/v1/tenants/acme/events", Some(event))
            .await;
        assert_eq!((reply.status, reply.json()), (202, answer));
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
async fn what_could_not_be_transformed_is_made_when_it_is_replayed() {
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
async fn the_document_is_served_and_its_paths_answer_its_methods_alone() {
    let api = Api::start().await;
    let document = api.send("GET", "/v1/openapi.json", None).await.json();
    let paths = document["paths"].as_object().expect("paths");
    for (path, operations) in paths {
        let names = [
            // One that is not there, as it may be deleted.
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
        // `PUT` has made it.
        api.send("DELETE", "/v1/tenants/nobody", None).await;
    }
}

/// What a problem document says, once there is one of that status.
async fn problem(api: &Api, method: &str, path: &str, body: Option<Value>, status: u16) -> Value {
    let refused = async {
        loop {
            let reply = api.send(method, path, body.clone()).await;
            if reply.status == status {
                return reply;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let reply = with_timeout(refused, || format!("{method} {path}: {status}")).await;
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json")
    );
    reply.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_store_a_sender_says_so_in_problem_documents() {
    let mut setting = Setting::new(Store::Redis).await;
    setting.configure("sender", &format!("token = \"{TOKEN}\"\n"));
    let sender = setting.start("sender");
    setting.redis.as_mut().expect("a Redis").kill();
    let api = Api { sender, setting };
    let event = || Some(json!({ "type": "a", "data": 1 }));
    let cases = [
        ("GET", "/v1/tenants", None, "store-unavailable"),
        ("PUT", "/v1/tenants/acme", None, "store-unavailable"),
        ("GET", "/readyz", None, "not-ready"),
        ("POST", "/v1/tenants/acme/events", event(), "not-planned"),
    ];
    for (method, path, body, code) in cases {
        let said = problem(&api, method, path, body, 503).await;
        assert_eq!(said["code"], code, "{method} {path}: {said}");
    }
}

#[tokio::test]
async fn what_the_file_declares_is_changed_there_alone() {
    let filed = format!(
        "[[tenant]]\nid = \"filed\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
         url = \"http://127.0.0.1:9/hook\"\nevents = [\"*\"]\nsecret = \"{}\"\n",
        crate::sender::SECRET
    );
    let api = Api::start_with(&filed).await;
    let path = "/v1/tenants/filed/endpoints/orders";
    let rotate = format!("{path}/rotate-secret");
    let cases = [
        ("PATCH", path, Some(json!({ "rate_limit": 1 }))),
        ("DELETE", path, None),
        ("POST", &rotate, Some(json!({}))),
    ];
    for (method, path, body) in cases {
        let said = problem(&api, method, path, body, 409).await;
        assert_eq!(said["code"], "conflict", "{said}");
        let detail = said["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("configuration file"), "{said}");
    }
    // But for what the sender itself may have done.
    let off = api.send("PATCH", path, Some(json!({ "enabled": false })));
    assert_eq!(off.await.status, 200);
}

#[tokio::test]
async fn data_may_be_as_long_as_the_bound_and_not_a_byte_longer() {
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
