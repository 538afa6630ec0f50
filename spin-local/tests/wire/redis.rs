//! Outbound Redis, with a private server.

use serde_json::{Value, json};
use test_support::redis::{Fsync, RedisServer};
use test_support::{Request, Running};

use crate::address;
use crate::probe::*;

/// Starts the probe, which is allowed to connect to `server`.
async fn probe_of(server: &RedisServer) -> Running {
    let entry = format!("redis://127.0.0.1:{}", server.port());
    start(&probe_with(&format!(
        "allowed_outbound_hosts = [{entry:?}]"
    )))
    .await
}

fn path(server: &RedisServer, operation: &str, key: &str) -> String {
    let port = server.port();
    format!("/redis/{operation}?address=redis://127.0.0.1:{port}&key={key}")
}

async fn run(app: &Running, server: &RedisServer, words: &str) -> Value {
    post(app, &path(server, "execute", ""), words).await
}

#[tokio::test]
async fn values_numbers_and_sets_are_kept_by_the_server() {
    let server = RedisServer::start(Fsync::EverySecond).await;
    let app = probe_of(&server).await;
    let of = |operation: &str| path(&server, operation, "k");
    assert_eq!(get_json(&app, &of("get")).await, json!({ "ok": null }));
    let bytes = Request::post(app.url(&of("set"))).body(vec![0, 255]);
    assert_eq!(bytes.send().await.json(), json!({ "ok": null }));
    assert_eq!(get_json(&app, &of("get")).await, json!({ "ok": [0, 255] }));
    assert_eq!(get_json(&app, &of("del")).await, json!({ "ok": 1 }));
    assert_eq!(get_json(&app, &of("del")).await, json!({ "ok": 0 }));
    assert_eq!(get_json(&app, &of("incr")).await, json!({ "ok": 1 }));
    assert_eq!(get_json(&app, &of("incr")).await, json!({ "ok": 2 }));

    let of = |operation: &str| path(&server, operation, "set");
    assert_eq!(post(&app, &of("sadd"), "a b a").await, json!({ "ok": 2 }));
    assert_eq!(post(&app, &of("srem"), "b c").await, json!({ "ok": 1 }));
    assert_eq!(
        get_json(&app, &of("smembers")).await,
        json!({ "ok": ["a"] })
    );
    assert_eq!(
        post(&app, &of("publish"), "hello").await,
        json!({ "ok": null })
    );
}

#[tokio::test]
async fn the_reply_of_any_command_is_flattened() {
    let server = RedisServer::start(Fsync::EverySecond).await;
    let app = probe_of(&server).await;
    let status = json!({ "ok": [{ "status": "OK" }] });
    assert_eq!(run(&app, &server, "SET n 41").await, status);
    assert_eq!(
        run(&app, &server, "INCRBY n 1").await,
        json!({ "ok": [42] })
    );
    assert_eq!(
        run(&app, &server, "MGET n none").await,
        json!({ "ok": ["42", null] })
    );
    let added = run(&app, &server, "XADD events 7-1 type order.shipped data {}").await;
    assert_eq!(added, json!({ "ok": ["7-1"] }));
    let read = run(&app, &server, "XRANGE events - +").await;
    assert_eq!(
        read,
        json!({ "ok": ["7-1", "type", "order.shipped", "data", "{}"] })
    );
}

#[tokio::test]
async fn an_error_reply_is_an_error_with_its_message() {
    let server = RedisServer::start(Fsync::EverySecond).await;
    let app = probe_of(&server).await;
    run(&app, &server, "SET k text").await;
    for reply in [
        get_json(&app, &path(&server, "incr", "k")).await,
        get_json(&app, &path(&server, "smembers", "k")).await,
        run(&app, &server, "NOSUCHCOMMAND").await,
    ] {
        assert_eq!(error_of(&reply), "other", "{reply}");
        assert!(
            reply["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
    }
}

#[tokio::test]
async fn a_blocking_command_has_no_response_timeout() {
    let server = RedisServer::start(Fsync::EverySecond).await;
    let app = probe_of(&server).await;
    // Longer than the default response timeout of the client, half a second.
    let reply = run(&app, &server, "BLPOP nothing 1").await;
    assert_eq!(reply, json!({ "ok": [null] }));
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_invalid() {
    let server = RedisServer::start(Fsync::EverySecond).await;
    let app = probe_of(&server).await;
    let port = server.port();
    for address in [
        format!("redis://localhost:{port}"),
        format!("redis://127.0.0.1:{}", port.wrapping_add(1)),
        format!("rediss://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}"),
        format!("127.0.0.1:{port}"),
        "nonsense".to_owned(),
        String::new(),
    ] {
        let reply = get_json(&app, &format!("/redis/open?address={address}")).await;
        assert_eq!(error_of(&reply), "invalid-address", "{address}");
    }
    let bare = format!("/bare/redis/open?address=redis://127.0.0.1:{port}");
    let reply = get_json(&start(&probe()).await, &bare).await;
    assert_eq!(error_of(&reply), "invalid-address");
}

#[tokio::test]
async fn no_manifest_can_allow_a_unix_socket() {
    if runtime().is_spin() {
        // It checks `unix:///path` as `redis://unix:///path`, and connects to the socket if that is allowed.
        return;
    }
    let server = RedisServer::start_with(Fsync::EverySecond, &["--unixsocket", "redis.sock"]).await;
    let app = start(&probe_with("allowed_outbound_hosts = [\"*://*:*\"]")).await;
    let socket = server.folder().join("redis.sock");
    for scheme in ["unix", "redis+unix", "valkey+unix"] {
        for host in ["", "localhost"] {
            let address = format!("{scheme}://{host}{}", socket.display());
            let reply = get_json(&app, &format!("/redis/open?address={address}")).await;
            assert_eq!(error_of(&reply), "invalid-address", "{address}");
        }
    }
}

#[tokio::test]
async fn a_blocked_network_is_unreachable_even_if_the_manifest_allows_it() {
    let server = RedisServer::start(Fsync::EverySecond).await;
    let app = probe_with("allowed_outbound_hosts = [\"*://*:*\"]");
    let config = "[outbound_networking]\nblock_networks = [\"private\"]\n";
    let config = app.file("runtime.toml", config);
    let app = start(&app.args(["--runtime-config-file".into(), config.into_os_string()])).await;
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let path = format!("/redis/open?address=redis://{host}:{}", server.port());
        let reply = get_json(&app, &path).await;
        assert_eq!(error_of(&reply), "other", "{host}");
        let blocked = reply["message"]
            .as_str()
            .is_some_and(|text| text.contains("blocked"));
        assert!(blocked, "{host}: {reply}");
    }
}

#[tokio::test]
async fn a_missing_server_is_an_error() {
    let address = address::refusing().await;
    let app = start(&probe_with("allowed_outbound_hosts = [\"*://*:*\"]")).await;
    for scheme in ["redis", "rediss"] {
        let reply = get_json(&app, &format!("/redis/open?address={scheme}://{address}")).await;
        assert_eq!(error_of(&reply), "other", "{scheme}: {reply}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_an_error_for_rediss() {
    let server = RedisServer::start(Fsync::EverySecond).await;
    let app = start(&probe_with("allowed_outbound_hosts = [\"*://*:*\"]")).await;
    let path = format!("/redis/open?address=rediss://127.0.0.1:{}", server.port());
    assert_eq!(error_of(&get_json(&app, &path).await), "other");
    assert_eq!(get(&app, "/hello").await.text(), "hello");
}
