//! The rights of keys: every route for every role, other tenants, and the end of keys.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use test_support::{raw, with_timeout};

use crate::access_world::{create_key, send};
use crate::api_world::{Api, TOKEN};
use crate::sender::Store;

/// Each route with the roles that may call it: administrator, operator, publisher, viewer.
const ROUTES: [(&str, &str, &str); 39] = [
    ("GET", "/metrics", "A"),
    ("GET", "/v1/openapi.json", "AOPV"),
    ("GET", "/v1/tenants", "AOV"),
    ("GET", "/v1/tenants/{tenant}", "AOV"),
    ("PUT", "/v1/tenants/{tenant}", "A"),
    ("GET", "/v1/tenants/{tenant}/stats", "AOV"),
    ("GET", "/v1/tenants/{tenant}/endpoints", "AOV"),
    ("POST", "/v1/tenants/{tenant}/endpoints", "AO"),
    ("GET", "/v1/tenants/{tenant}/endpoints/{endpoint}", "AOV"),
    ("PATCH", "/v1/tenants/{tenant}/endpoints/{endpoint}", "AO"),
    ("DELETE", "/v1/tenants/{tenant}/endpoints/{endpoint}", "AO"),
    (
        "POST",
        "/v1/tenants/{tenant}/endpoints/{endpoint}/rotate-secret",
        "AO",
    ),
    (
        "POST",
        "/v1/tenants/{tenant}/endpoints/{endpoint}/test",
        "AO",
    ),
    (
        "GET",
        "/v1/tenants/{tenant}/endpoints/{endpoint}/stats",
        "AOV",
    ),
    ("POST", "/v1/tenants/{tenant}/events", "AP"),
    ("GET", "/v1/tenants/{tenant}/events", "AOV"),
    ("GET", "/v1/tenants/{tenant}/events/{event}", "AOV"),
    ("DELETE", "/v1/tenants/{tenant}/events/{event}/data", "AO"),
    ("GET", "/v1/tenants/{tenant}/deliveries", "AOV"),
    ("GET", "/v1/tenants/{tenant}/deliveries/{delivery}", "AOV"),
    (
        "GET",
        "/v1/tenants/{tenant}/deliveries/{delivery}/body",
        "AOV",
    ),
    ("GET", "/v1/tenants/{tenant}/deliveries/stream", "AOV"),
    ("GET", "/v1/tenants/{tenant}/dead-letters", "AOV"),
    ("POST", "/v1/tenants/{tenant}/replay", "AO"),
    ("POST", "/v1/tenants/{tenant}/preview", "AO"),
    ("GET", "/v1/tenants/{tenant}/portal-sessions", "AO"),
    ("POST", "/v1/tenants/{tenant}/portal-sessions", "AO"),
    (
        "POST",
        "/v1/tenants/{tenant}/portal-sessions/{session}/renew",
        "AO",
    ),
    (
        "DELETE",
        "/v1/tenants/{tenant}/portal-sessions/{session}",
        "AO",
    ),
    ("GET", "/v1/dead-letters", "A"),
    ("GET", "/v1/dead-letters/{id}", "AOV"),
    ("POST", "/v1/dead-letters/{id}/retry", "AO"),
    ("GET", "/v1/keys", "A"),
    ("POST", "/v1/keys", "A"),
    ("DELETE", "/v1/keys/{key}", "A"),
    ("GET", "/v1/audit", "A"),
    ("GET", "/healthz", "AOPV"),
    ("GET", "/readyz", "AOPV"),
    // The last one: an administrator deletes the tenant.
    ("DELETE", "/v1/tenants/{tenant}", "A"),
];

/// Returns a path of a tenant, with the names of no resource.
fn path(template: &str, tenant: &str) -> String {
    let mut path = template.replace("{tenant}", tenant);
    for name in ["endpoint", "event", "delivery", "session", "id", "key"] {
        path = path.replace(&format!("{{{name}}}"), "nothing");
    }
    path
}

/// Returns the status of a response, and the code of a problem. Reads only the head of a stream.
async fn status(api: &Api, key: &str, method: &str, path: &str) -> (u16, String) {
    if path.ends_with("/stream") && stream_status(api, key, path).await == 200 {
        return (200, String::new());
    }
    let body = matches!(method, "POST" | "PATCH").then(|| json!({ "~": 1 }));
    let reply = send(api, key, method, path, body).await;
    let problem: Value = serde_json::from_str(&reply.text()).unwrap_or_default();
    (
        reply.status,
        problem["code"].as_str().unwrap_or_default().to_owned(),
    )
}

async fn stream_status(api: &Api, key: &str, path: &str) -> u16 {
    let address = api
        .sender
        .api
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    let mut connection = raw::Connection::open(address).await;
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n");
    connection.send(head.as_bytes()).await;
    connection.read_until("\r\n").await;
    connection.received()[9..12].parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_open_to_its_roles_and_to_no_other() {
    let api = Api::start().await;
    for tenant in ["spare", "globex"] {
        let path = format!("/v1/tenants/{tenant}");
        assert_eq!(api.send("PUT", &path, None).await.status, 201);
    }
    let document = api.send("GET", "/v1/openapi.json", None).await.json();
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let methods = operations.as_object().unwrap().keys();
        let methods = methods.filter(|name| *name != "parameters");
        described.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    let listed = ROUTES.map(|(method, path, _)| format!("{method} {path}"));
    assert_eq!(BTreeSet::from(listed), described);

    let mut keys = vec![('A', "spare", TOKEN.to_owned())];
    for (letter, role) in [('O', "operator"), ('P', "publisher"), ('V', "viewer")] {
        let (_, key) = create_key(&api, role, role, Some("acme")).await;
        keys.push((letter, "acme", key));
    }
    for (method, template, roles) in ROUTES {
        let open = template.starts_with("/healthz") || template.starts_with("/readyz");
        for (letter, tenant, key) in &keys {
            let own = status(&api, key, method, &path(template, tenant)).await;
            let is_refused = matches!(own.0, 401 | 403);
            let shown = format!("{method} {template} {letter}: {own:?}");
            assert_eq!(!is_refused, roles.contains(*letter), "{shown}");
            if is_refused {
                assert_eq!(own, (403, "forbidden".into()), "{shown}");
            }
            if *letter != 'A' && template.contains("{tenant}") {
                let other = status(&api, key, method, &path(template, "globex")).await;
                assert_eq!(other.0, 404, "{shown} of another tenant: {other:?}");
            }
        }
        let path = path(template, "acme");
        let without = status(&api, "no-key-at-all-0123456789", method, &path);
        let without = without.await.0;
        assert!(
            open || matches!(without, 401 | 429),
            "{method} {template} {without}"
        );
    }
}

#[tokio::test]
async fn another_tenant_looks_like_one_that_does_not_exist() {
    let api = Api::start().await;
    api.send("PUT", "/v1/tenants/globex", None).await;
    let (_, key) = create_key(&api, "shop", "operator", Some("acme")).await;
    for rest in ["", "/events", "/deliveries/nothing", "/endpoints/nothing"] {
        let of = |tenant: &str| format!("/v1/tenants/{tenant}{rest}");
        let other = send(&api, &key, "GET", &of("globex"), None).await;
        let unknown = send(&api, &key, "GET", &of("unknown"), None).await;
        assert_eq!((other.status, unknown.status), (404, 404));
        let shown = other.text().replace("globex", "unknown");
        assert_eq!(shown, unknown.text(), "{rest}");
    }
    let tenants = send(&api, &key, "GET", "/v1/tenants", None).await.json();
    assert_eq!(tenants["items"], json!([{ "id": "acme" }]));
    // A portal session of another tenant.
    let session = api
        .send("POST", "/v1/tenants/globex/portal-sessions", None)
        .await
        .json();
    let id = session["id"].as_str().unwrap();
    let path = format!("/v1/tenants/acme/portal-sessions/{id}");
    assert_eq!(send(&api, &key, "DELETE", &path, None).await.status, 404);
    let renew = format!("{path}/renew");
    assert_eq!(send(&api, &key, "POST", &renew, None).await.status, 404);
}

/// Waits until a key is refused by another sender.
async fn refused(sender: &str, key: &str) {
    let refused = async {
        loop {
            let request = test_support::Request::get(format!("{sender}/v1/tenants/acme"));
            let reply = request
                .header("authorization", format!("Bearer {key}"))
                .send();
            if reply.await.status == 401 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    with_timeout(refused, || "the key is still accepted".into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_refused_by_every_process() {
    let api = Api::start_on(Store::Redis, "").await;
    let config = format!("token = \"{TOKEN}\"\n");
    api.setting.configure("other", &config);
    let other = api.setting.start("other");
    let (id, key) = create_key(&api, "shop", "viewer", Some("acme")).await;
    // A key is valid everywhere from its creation on.
    let request = test_support::Request::get(format!("{}/v1/tenants/acme", other.api));
    let reply = request
        .header("authorization", format!("Bearer {key}"))
        .send();
    assert_eq!(reply.await.status, 200);
    let path = format!("/v1/keys/{id}");
    assert_eq!(api.send("DELETE", &path, None).await.status, 204);
    assert_eq!(
        send(&api, &key, "GET", "/v1/tenants/acme", None)
            .await
            .status,
        401
    );
    refused(&other.api, &key).await;
    assert_eq!(api.send("DELETE", &path, None).await.status, 404);
}

#[tokio::test]
async fn a_deleted_tenant_takes_its_keys_with_it() {
    let api = Api::start().await;
    let (_, key) = create_key(&api, "shop", "viewer", Some("acme")).await;
    assert_eq!(
        api.send("DELETE", "/v1/tenants/acme", None).await.status,
        204
    );
    assert_eq!(api.send("PUT", "/v1/tenants/acme", None).await.status, 201);
    assert_eq!(
        send(&api, &key, "GET", "/v1/tenants/acme", None)
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn invalid_declarations_of_keys_are_refused() {
    let api = Api::start().await;
    create_key(&api, "taken", "admin", None).await;
    for (body, status, detail) in [
        (json!({ "role": "admin" }), 422, "`name` is missing"),
        (json!({ "name": "a" }), 422, "`role` is missing"),
        (
            json!({ "name": "a", "role": "owner" }),
            422,
            "role `owner` is none of admin, operator, publisher, viewer",
        ),
        (
            json!({ "name": "a", "role": "viewer" }),
            422,
            "a key with role `viewer` needs a tenant",
        ),
        (
            json!({ "name": "a", "role": "admin", "tenant": "acme" }),
            422,
            "a key with role `admin` is for all tenants; leave the tenant out",
        ),
        (
            json!({ "name": "a", "role": "viewer", "tenant": "unknown" }),
            404,
            "tenant `unknown`",
        ),
        (
            json!({ "name": "a", "role": "admin", "expires_in": "soon" }),
            422,
            "expires_in: `soon` is not a duration such as `24h`",
        ),
        (
            json!({ "name": "a", "role": "admin", "expires_in": "1s" }),
            422,
            "expires_in: `1s` is not between 1m and 10years 7days 12h",
        ),
        (
            json!({ "name": "taken", "role": "admin" }),
            409,
            "key `taken` already exists",
        ),
        (
            json!({ "name": "api.token", "role": "admin" }),
            409,
            "key `api.token` already exists",
        ),
    ] {
        let reply = api.send("POST", "/v1/keys", Some(body.clone())).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
        assert_eq!(reply.json()["detail"], detail, "{body}");
    }
    let keys = api.send("GET", "/v1/keys", None).await.json();
    let names = keys["items"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|key| key["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["api.token", "taken"]);
    assert!(keys["items"][0]["last_used_at"].is_string(), "{keys}");
    let path = format!("/v1/keys/{}", keys["items"][0]["id"].as_str().unwrap());
    assert_eq!(api.send("DELETE", &path, None).await.status, 409);
}

const SHOP: &str = "a-key-of-the-shop-0123456789";

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_the_file_change_with_it() {
    let api = Api::start().await;
    let key = format!(
        "[[api.key]]\nname = \"shop\"\nrole = \"viewer\"\ntenant = \"acme\"\nvalue = \"{SHOP}\"\n"
    );
    let base = format!("token = \"{TOKEN}\"\n");
    assert_eq!(
        send(&api, SHOP, "GET", "/v1/tenants/acme", None)
            .await
            .status,
        401
    );
    api.setting.configure("sender", &format!("{base}{key}"));
    api.sender.signal("HUP");
    let accepted = async {
        while send(&api, SHOP, "GET", "/v1/tenants/acme", None)
            .await
            .status
            != 200
        {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    with_timeout(accepted, || api.sender.log()).await;
    api.setting.configure("sender", &base);
    api.sender.signal("HUP");
    refused(&api.sender.api, SHOP).await;
}

#[tokio::test]
async fn wrong_keys_are_throttled_also_in_the_form_of_real_ones() {
    let api = Api::start().await;
    let wrong = format!("wkey_{}", "A".repeat(43));
    let requests = (0..60).map(|_| send(&api, &wrong, "GET", "/v1/tenants", None));
    let replies = futures::future::join_all(requests).await;
    let statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    assert!(
        statuses.contains(&401) && statuses.contains(&429),
        "{statuses:?}"
    );
    let (_, key) = create_key(&api, "shop", "viewer", Some("acme")).await;
    assert_eq!(
        send(&api, &key, "GET", "/v1/tenants/acme", None)
            .await
            .status,
        200
    );
}
