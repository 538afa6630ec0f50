//! The guard with its keys and ids on a server, which two processes share.

use serde_json::json;
use test_support::postgres::{self, PostgresServer};
use test_support::redis::{self, RedisServer};
use test_support::{App, Reply, Request, Running, components};
use tokio::task::JoinSet;

use crate::guarded::*;
use crate::signing::{KEY, standard};

/// Requests with one id, at the same time.
const RACING: usize = 8;

/// Returns the guarded app of `examples/` with its manifest for `store`, which may connect to `host` only.
fn on_server(store: &str, url: &str, host: &str) -> App {
    components::guarded_app();
    let app = App::from(components::on_server("examples/guarded-app", store));
    let app = with_variable(app, "store_url", url);
    let app = with_variable(app, "store_host", host);
    with_variable(app, "handshake_token", TOKEN)
}

async fn send(app: &Running, id: &str) -> Reply {
    let request = Request::post(app.url("/orders"));
    standard(request, id, "body").send().await
}

fn reached_in_all(guards: &[Running; 2]) -> usize {
    guards.iter().map(|guard| reached(guard).len()).sum()
}

/// Registers a key at one guard, and sends events to both.
async fn share_keys_and_ids(guards: &[Running; 2]) {
    let [one, other] = guards;
    let body = json!({ "keyData": KEY }).to_string();
    let target = one.url(&format!("/webhook?handshake=true&token={TOKEN}"));
    let handshake = Request::post(target).json(body).send().await;
    assert_eq!(handshake.status, 200, "{handshake:?}");

    assert_eq!(send(other, "evt_1").await.status, 200);
    let again = send(one, "evt_1").await;
    let expected = "Received payload before and verified integrity";
    assert_eq!((again.status, again.text().as_str()), (200, expected));
    assert_eq!((reached(one).len(), reached(other).len()), (0, 1));

    let mut racing = JoinSet::new();
    for number in 0..RACING {
        let request = Request::post(guards[number % 2].url("/orders"));
        racing.spawn(standard(request, "evt_2", "body").send());
    }
    for reply in racing.join_all().await {
        assert!([200, 409].contains(&reply.status), "{reply:?}");
    }
    assert_eq!(reached_in_all(guards), 2);
}

/// Sends an event whose id cannot be claimed.
async fn forward_nothing(guards: &[Running; 2]) {
    let before = reached_in_all(guards);
    for guard in guards {
        assert_problem(&send(guard, "evt_3").await, 503, "unavailable");
    }
    assert_eq!(reached_in_all(guards), before);
}

async fn two(store: &str, url: &str, host: &str) -> [Running; 2] {
    [
        start(&on_server(store, url, host)).await,
        start(&on_server(store, url, host)).await,
    ]
}

#[tokio::test]
async fn guards_on_one_postgresql_share_keys_and_ids_and_forward_nothing_without_it() {
    let mut server = PostgresServer::start(postgres::Fsync::Off).await;
    let migrations = std::fs::read_to_string(components::postgres_migrations());
    server.sql(&migrations.expect("the migrations"));
    let guards = two("postgres", &server.url(), &server.address().to_string()).await;
    share_keys_and_ids(&guards).await;
    server.kill();
    forward_nothing(&guards).await;
    server.restart().await;
    assert_eq!(send(&guards[0], "evt_3").await.status, 200);
}

#[tokio::test]
async fn guards_on_one_redis_share_keys_and_ids_and_forward_nothing_without_it() {
    let mut server = RedisServer::start(redis::Fsync::EverySecond).await;
    let guards = two("redis", &server.url(), &server.address().to_string()).await;
    share_keys_and_ids(&guards).await;
    server.kill();
    forward_nothing(&guards).await;
    server.restart().await;
    assert_eq!(send(&guards[0], "evt_3").await.status, 200);
}
