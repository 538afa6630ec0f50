//! Access to the API: tokens, browsers, and clients that collect metrics.

use serde_json::json;
use test_support::redis::RedisServer;
use test_support::{Reply, Request};

use crate::api_world::{Api, TOKEN};
use crate::sender::{Sender, Setting, Store};

/// Starts a sender without a token.
async fn open() -> (Sender, Setting) {
    let setting = Setting::new(Store::Sqlite).await;
    setting.configure("sender", "");
    (setting.start("sender"), setting)
}

async fn raw(sender: &Sender, method: &str, path: &str, headers: &str) -> String {
    let address = sender.api.trim_start_matches("http://").parse().unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
    test_support::raw::exchange(address, request.as_bytes()).await
}

fn code(response: &str) -> String {
    let body = response.split("\r\n\r\n").nth(1).unwrap_or_default();
    let problem: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let status = response.get(9..12).unwrap_or_default();
    format!("{status} {}", problem["code"].as_str().unwrap_or_default())
}

const PATHS: [(&str, &str); 9] = [
    ("GET", "/v1/tenants"),
    ("PUT", "/v1/tenants/acme"),
    ("POST", "/v1/dead-letters/x/retry"),
    ("GET", "/metrics"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/nothing"),
    ("GET", "/ui"),
    ("GET", "/ui/keys"),
];

#[tokio::test]
async fn without_a_token_only_names_of_this_machine_are_accepted_as_host() {
    let (sender, _setting) = open().await;
    for (method, path) in PATHS {
        for host in [
            "attacker.example",
            "10.0.0.1:8080",
            "localhost.attacker.example",
        ] {
            let response = raw(&sender, method, path, &format!("Host: {host}\r\n")).await;
            assert_eq!(
                code(&response),
                "403 foreign-host",
                "{method} {path} {host}"
            );
        }
        for host in [
            "localhost",
            "LOCALHOST:1234",
            "127.0.0.1:8080",
            "[::1]:8080",
        ] {
            let response = raw(&sender, method, path, &format!("Host: {host}\r\n")).await;
            assert!(
                !response.starts_with("HTTP/1.1 403"),
                "{method} {path} {host}"
            );
        }
    }
    let absolute = "http://attacker.example/v1/tenants";
    let response = raw(&sender, "GET", absolute, "Host: localhost\r\n").await;
    assert_eq!(code(&response), "403 foreign-host");
}

#[tokio::test]
async fn without_a_token_no_page_of_another_origin_gets_through() {
    let (sender, _setting) = open().await;
    for (method, path) in PATHS {
        for mark in [
            "Origin: http://attacker.example",
            "Origin: http://localhost:3000",
            "Origin: null",
            "Sec-Fetch-Site: cross-site",
        ] {
            let headers = format!("Host: localhost:8080\r\n{mark}\r\n");
            let response = raw(&sender, method, path, &headers).await;
            assert_eq!(
                code(&response),
                "403 foreign-origin",
                "{method} {path} {mark}"
            );
        }
        for mark in [
            "Origin: http://localhost:8080",
            "Sec-Fetch-Site: same-origin",
            "Sec-Fetch-Site: none",
        ] {
            let headers = format!("Host: localhost:8080\r\n{mark}\r\n");
            let response = raw(&sender, method, path, &headers).await;
            assert!(
                !response.starts_with("HTTP/1.1 403"),
                "{method} {path} {mark}"
            );
        }
    }
}

#[tokio::test]
async fn with_a_token_the_api_is_called_by_any_name() {
    let api = Api::start().await;
    let headers = format!("Host: hooks.example.com\r\nAuthorization: Bearer {TOKEN}\r\n");
    let response = raw(&api.sender, "GET", "/v1/tenants", &headers).await;
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
}

const METRICS_TOKEN: &str = "a-token-for-metrics-and-no-more";

async fn get(api: &Api, path: &str, token: &str) -> Reply {
    Request::get(format!("{}{path}", api.sender.api))
        .header("authorization", format!("Bearer {token}"))
        .send()
        .await
}

#[tokio::test]
async fn metrics_need_the_token_or_one_that_opens_nothing_else() {
    let api = Api::start_with(&format!("[metrics]\ntoken = \"{METRICS_TOKEN}\"\n")).await;
    let without = Request::get(format!("{}/metrics", api.sender.api)).send();
    assert_eq!(without.await.status, 401);
    assert_eq!(get(&api, "/metrics", "another").await.status, 401);
    assert_eq!(get(&api, "/metrics", TOKEN).await.status, 200);
    assert_eq!(get(&api, "/metrics", METRICS_TOKEN).await.status, 200);
    assert_eq!(get(&api, "/v1/tenants", METRICS_TOKEN).await.status, 401);
}

#[tokio::test]
async fn wrong_tokens_are_counted_logged_and_slowed_down_and_the_right_one_is_not() {
    let api = Api::start().await;
    let wrong = "a-wrong-token-0123456789";
    let mut statuses = Vec::new();
    for _ in 0..200 {
        statuses.push(get(&api, "/v1/tenants", wrong).await.status);
    }
    assert_eq!(statuses[..10], [401; 10]);
    assert!(statuses.contains(&429), "{statuses:?}");
    let refused = get(&api, "/v1/tenants", wrong).await;
    assert_eq!(refused.json()["code"], "too-many-wrong-tokens");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    assert_eq!(api.send("GET", "/v1/tenants", None).await.status, 200);
    let metrics = api.send("GET", "/metrics", None).await.text();
    let counted = "webhook_sender_unauthorized_requests_total{token=\"wrong\"} 201";
    assert!(metrics.contains(counted), "{metrics}");
    api.sender.logged("wrong token").await;
    let log = api.sender.log();
    let lines = log.matches("wrong token").count();
    assert!((1..200).contains(&lines), "{lines}");
    assert!(log.contains("127.0.0.1") && !log.contains(wrong), "{log}");
}

/// Returns the number of commands that a server has executed, including those of scripts.
async fn commands(redis: &RedisServer) -> u64 {
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let info: String = redis::cmd("INFO")
        .arg("stats")
        .query_async(&mut connection)
        .await
        .unwrap();
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("total_commands_processed:"));
    line.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_asked_for_a_hundred_times_cost_the_store_little_more_than_once() {
    let api = Api::start_on(Store::Redis, "").await;
    for number in 0..300 {
        let path = format!("/v1/tenants/tenant-{number}");
        assert_eq!(api.send("PUT", &path, None).await.status, 201);
    }
    let redis = api.setting.redis.as_ref().unwrap();
    let (asked, before) = (200, commands(redis).await);
    let all = (0..asked).map(|_| api.send("GET", "/metrics", None));
    for reply in futures::future::join_all(all).await {
        assert_eq!(reply.status, 200);
    }
    let spent = commands(redis).await - before;
    assert!(spent < 10 * asked, "{spent} commands for {asked} requests");
}

#[tokio::test]
async fn a_short_secret_is_refused() {
    let api = Api::start().await;
    let path = "/v1/tenants/acme/endpoints";
    let secret = "23-bytes-are-too-few...";
    let declared = json!({ "url": "http://127.0.0.1:9/", "events": ["*"], "secret": secret });
    let refused = api.send("POST", path, Some(declared)).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    let detail = "secret: a secret of 23 bytes; at least 24 are required";
    assert_eq!(refused.json()["detail"], detail);
    let made = json!({ "id": "a", "url": "http://127.0.0.1:9/", "events": ["*"] });
    api.endpoint(made).await;
    let rotate = format!("{path}/a/rotate-secret");
    let refused = api
        .send("POST", &rotate, Some(json!({ "secret": secret })))
        .await;
    assert_eq!(refused.json()["detail"], detail);
}
