//! Both apps on each of their stores, and each runtime of this machine.

use std::net::SocketAddr;

use serde_json::json;
use test_support::postgres::{self, PostgresServer};
use test_support::redis::{self, RedisServer};
use test_support::{App, Behaviour, Receiver, Reply, Request, Runtime, components};
use tokio::task::JoinSet;

use crate::consumer::{self, Consumer, DUPLICATE, KEY, VERIFIED, from_now, standard};
use crate::producer::{self, Producer, assert_problem};

/// The store of a test, which ends with it.
enum Store {
    Local,
    Postgres(PostgresServer),
    Redis(RedisServer),
}

impl Store {
    async fn postgres() -> Self {
        let server = PostgresServer::start(postgres::Fsync::Off).await;
        let migrations = components::postgres_migrations();
        server.sql(&std::fs::read_to_string(migrations).expect("the migrations"));
        Self::Postgres(server)
    }

    async fn redis() -> Self {
        Self::Redis(RedisServer::start(redis::Fsync::EverySecond).await)
    }

    fn producer(&self) -> App {
        match self.on_server("webhook-producer") {
            Some(app) => app.args(["--variable", "allow_private_hosts=true"]),
            None => producer::app(),
        }
    }

    fn consumer(&self) -> App {
        let Some(app) = self.on_server("webhook-consumer") else {
            return consumer::app();
        };
        app.args([
            "--variable",
            "open_handshake=true",
            "--variable",
            "weakest_scheme=plain",
        ])
    }

    /// Returns the app with its manifest for this store, which may connect to this server only.
    fn on_server(&self, name: &str) -> Option<App> {
        let (store, url, host) = match self {
            Self::Local => return None,
            Self::Postgres(server) => ("postgres", server.url(), server.address()),
            Self::Redis(server) => ("redis", server.url(), server.address()),
        };
        Some(app_on(name, store, &url, host))
    }
}

/// Returns an app with its manifest for `store`, with its store at `url`, and allowed to connect to `host`.
fn app_on(name: &str, store: &str, url: &str, host: SocketAddr) -> App {
    let app = App::from(components::on_server(name, store));
    let app = app.args(["--variable", &format!("store_url={url}")]);
    // The grants of the producer for its stream are for every Redis.
    if (name, store) == ("webhook-producer", "redis") {
        return app;
    }
    app.args(["--variable", &format!("store_host={host}")])
}

async fn runtimes() -> Vec<Runtime> {
    let spin_local = Runtime::spin_local();
    std::iter::once(spin_local).chain(Runtime::spin()).collect()
}

/// Returns `true` on Spin, which has no limit for a server that accepts a connection and never responds.
fn waits_forever() -> bool {
    let on_spin = Runtime::spin_local().is_spin();
    if on_spin {
        eprintln!("left out on Spin: it waits for a server without a limit");
    }
    on_spin
}

/// Registers, fires, verifies, restarts both apps, fires again, and deletes.
async fn register_fire_verify(store: &Store, runtime: &Runtime) {
    let (producer_app, consumer_app) = (store.producer(), store.consumer());
    let consumer = Consumer(consumer_app.start(runtime).await);
    let address = consumer.0.url("");
    let address = address.strip_prefix("http://").expect("a URL").to_owned();
    let target = consumer.target();
    let producer = Producer(producer_app.start(runtime).await);
    producer.register(&target, "order.*").await;
    let rows = producer
        .fire_event("order.shipped", &json!({ "id": 7 }))
        .await;
    assert_eq!(
        (rows.len(), &rows[0]["status"]),
        (1, &json!(200)),
        "{rows:?}"
    );
    producer.0.stop().await;
    consumer.0.stop().await;

    let consumer = Consumer(consumer_app.start_on(runtime, &address).await);
    let producer = Producer(producer_app.start(runtime).await);
    assert_eq!(producer.urls().await, [&*target]);
    let rows = producer.fire_event("order.paid", &json!(null)).await;
    assert_eq!(
        (rows.len(), &rows[0]["status"]),
        (1, &json!(200)),
        "{rows:?}"
    );
    assert_eq!(producer.try_register(&target, "*").await.status, 200);

    for app in [&producer.0, &consumer.0] {
        let health = Request::get(app.url("/healthz")).send().await;
        assert_eq!(health.status, 200, "{health:?}");
    }
    consumer.handshake(KEY).await;
    let headers = standard(b"{}", KEY, "msg_1", from_now(0));
    for expected in [VERIFIED, DUPLICATE, DUPLICATE] {
        let reply = consumer.deliver_with(b"{}", &headers).await;
        assert_eq!((reply.status, reply.text().as_str()), (200, expected));
    }
    let all = Request::delete(producer.0.url("/registrations?all=true"));
    assert_eq!(all.send().await.json(), json!({ "deleted": 1 }));
    assert!(producer.urls().await.is_empty());
    producer.0.stop().await;
    consumer.0.stop().await;
}

#[tokio::test]
async fn a_webhook_is_registered_signed_sent_and_verified_on_the_apps_own_stores() {
    for runtime in runtimes().await {
        register_fire_verify(&Store::Local, &runtime).await;
    }
}

#[tokio::test]
async fn a_webhook_is_registered_signed_sent_and_verified_on_postgresql() {
    for runtime in runtimes().await {
        register_fire_verify(&Store::postgres().await, &runtime).await;
    }
}

#[tokio::test]
async fn a_webhook_is_registered_signed_sent_and_verified_on_redis() {
    for runtime in runtimes().await {
        register_fire_verify(&Store::redis().await, &runtime).await;
    }
}

/// Registers one URL at two producers at once: exactly one registration is new, and the others are
/// conflicts or renewals.
async fn race_registrations(store: &Store) {
    let receiver = Receiver::start().await;
    receiver.on("/target", Behaviour::status(200));
    let url = receiver.url("/target");
    let app = store.producer();
    let producers = [Producer::of(&app).await, Producer::of(&app).await];
    let mut racing = JoinSet::new();
    for number in 0..16 {
        let body = json!({ "url": url, "event": "*" }).to_string();
        let request = Request::post(producers[number % 2].0.url("/registrations")).json(body);
        racing.spawn(request.send());
    }
    let replies = racing.join_all().await;
    let count = |status: u16| {
        replies
            .iter()
            .filter(|reply| reply.status == status)
            .count()
    };
    assert_eq!(count(201), 1, "{replies:?}");
    assert_eq!(count(201) + count(200) + count(409), 16, "{replies:?}");
    assert_eq!(producers[1].urls().await, [&*url]);
    // A registration without a race still succeeds.
    assert_eq!(producers[0].try_register(&url, "*").await.status, 200);
}

#[tokio::test]
async fn of_racing_registrations_of_one_url_in_sqlite_one_is_new() {
    race_registrations(&Store::Local).await;
}

#[tokio::test]
async fn of_racing_registrations_of_one_url_in_postgresql_one_is_new() {
    race_registrations(&Store::postgres().await).await;
}

#[tokio::test]
async fn of_racing_registrations_of_one_url_in_redis_one_is_new() {
    race_registrations(&Store::redis().await).await;
}

/// Sends one id to a consumer many times at once: exactly one request is processed.
async fn race_ids(store: &Store) {
    let consumer = Consumer::of(&store.consumer()).await;
    consumer.handshake(KEY).await;
    for round in 0..5 {
        let headers = standard(b"{}", KEY, &format!("msg_{round}"), from_now(0));
        let mut racing = JoinSet::new();
        for _ in 0..8 {
            let request = Request::post(consumer.target()).body(b"{}".to_vec());
            let with =
                |request: Request, (name, value): &(&str, String)| request.header(name, value);
            racing.spawn(headers.iter().fold(request, with).send());
        }
        let replies: Vec<Reply> = racing.join_all().await;
        let processed = replies.iter().filter(|reply| reply.text() == VERIFIED);
        assert_eq!(processed.count(), 1, "{replies:?}");
        let others = |reply: &&Reply| reply.status == 409 || reply.text() == DUPLICATE;
        assert_eq!(replies.iter().filter(others).count(), 7, "{replies:?}");
    }
}

#[tokio::test]
async fn of_racing_requests_with_one_id_one_is_processed_on_the_apps_own_stores() {
    race_ids(&Store::Local).await;
}

#[tokio::test]
async fn of_racing_requests_with_one_id_one_is_processed_on_postgresql() {
    race_ids(&Store::postgres().await).await;
}

#[tokio::test]
async fn of_racing_requests_with_one_id_one_is_processed_on_redis() {
    race_ids(&Store::redis().await).await;
}

/// Checks that every route of both apps responds with 503, and that no receiver is called.
async fn assert_unavailable(producer: &Producer, consumer: &Consumer, receiver: &Receiver) {
    let before = receiver.requests().len();
    let registered = producer.try_register(&receiver.url("/target"), "*").await;
    assert_problem(&registered, 503, "store-unavailable");
    for path in ["/registrations", "/healthz"] {
        let reply = Request::get(producer.0.url(path)).send().await;
        assert_problem(&reply, 503, "store-unavailable");
    }
    let fired = Request::post(producer.0.url("/fire")).send().await;
    assert_problem(&fired, 503, "store-unavailable");
    assert_problem(&consumer.try_handshake(KEY).await, 503, "unavailable");
    let headers = standard(b"{}", KEY, "msg_1", from_now(0));
    let delivered = consumer.deliver_with(b"{}", &headers).await;
    assert_problem(&delivered, 503, "unavailable");
    let health = Request::get(consumer.0.url("/healthz")).send().await;
    assert_problem(&health, 503, "unavailable");
    assert_eq!(receiver.requests().len(), before);
}

/// Starts both apps with one registration and one key.
async fn apps_in_use(store: &Store, receiver: &Receiver) -> (Producer, Consumer) {
    receiver.on("/registered", Behaviour::status(200));
    receiver.on("/target", Behaviour::status(200));
    let producer = Producer::of(&store.producer()).await;
    producer.register(&receiver.url("/registered"), "*").await;
    let consumer = Consumer::of(&store.consumer()).await;
    consumer.handshake(KEY).await;
    (producer, consumer)
}

/// Checks that the registration and the key of [`apps_in_use`] are unchanged.
async fn assert_unchanged(producer: &Producer, consumer: &Consumer, receiver: &Receiver) {
    assert_eq!(producer.urls().await, [receiver.url("/registered")]);
    let headers = standard(b"{}", KEY, "msg_1", from_now(0));
    let reply = consumer.deliver_with(b"{}", &headers).await;
    assert_eq!((reply.status, reply.text().as_str()), (200, VERIFIED));
}

#[tokio::test]
async fn while_postgresql_is_down_requests_get_503_and_nothing_changes() {
    let mut store = Store::postgres().await;
    let receiver = Receiver::start().await;
    let (producer, consumer) = apps_in_use(&store, &receiver).await;
    let Store::Postgres(server) = &mut store else {
        unreachable!()
    };
    server.kill();
    assert_unavailable(&producer, &consumer, &receiver).await;
    server.restart().await;
    assert_unchanged(&producer, &consumer, &receiver).await;
}

#[tokio::test]
async fn while_redis_is_down_requests_get_503_and_nothing_changes() {
    let mut store = Store::redis().await;
    let receiver = Receiver::start().await;
    let (producer, consumer) = apps_in_use(&store, &receiver).await;
    let Store::Redis(server) = &mut store else {
        unreachable!()
    };
    server.kill();
    assert_unavailable(&producer, &consumer, &receiver).await;
    server.restart().await;
    assert_unchanged(&producer, &consumer, &receiver).await;
}

#[tokio::test]
async fn while_postgresql_accepts_connections_without_serving_them_requests_get_503() {
    if waits_forever() {
        return;
    }
    let store = Store::postgres().await;
    let receiver = Receiver::start().await;
    let (producer, consumer) = apps_in_use(&store, &receiver).await;
    let Store::Postgres(server) = &store else {
        unreachable!()
    };
    server.stall();
    assert_unavailable(&producer, &consumer, &receiver).await;
    server.unstall();
    assert_unchanged(&producer, &consumer, &receiver).await;
}

#[tokio::test]
async fn while_redis_accepts_connections_without_serving_them_requests_get_503() {
    if waits_forever() {
        return;
    }
    let store = Store::redis().await;
    let receiver = Receiver::start().await;
    let (producer, consumer) = apps_in_use(&store, &receiver).await;
    let Store::Redis(server) = &store else {
        unreachable!()
    };
    server.stall();
    // Together, because each waits for the timeout of the runtime.
    let listed = Request::get(producer.0.url("/registrations")).send();
    let health = Request::get(consumer.0.url("/healthz")).send();
    let (listed, health) = tokio::join!(listed, health);
    assert_problem(&listed, 503, "store-unavailable");
    assert_problem(&health, 503, "unavailable");
    server.unstall();
    assert_unchanged(&producer, &consumer, &receiver).await;
}

async fn client_of(server: &PostgresServer) -> tokio_postgres::Client {
    let connected = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await;
    let (client, connection) = connected.expect("a connection");
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn a_statement_that_waits_too_long_is_a_503_and_changes_nothing() {
    let store = Store::postgres().await;
    let receiver = Receiver::start().await;
    let (producer, consumer) = apps_in_use(&store, &receiver).await;
    let Store::Postgres(server) = &store else {
        unreachable!()
    };
    let locking = client_of(server).await;
    // Writes wait for this transaction, and reads do not.
    let lock = "BEGIN; LOCK TABLE webhook_registrations, webhook_keys, webhook_ids IN SHARE MODE";
    locking.batch_execute(lock).await.expect("a lock");
    let registered = producer.try_register(&receiver.url("/target"), "*").await;
    assert_problem(&registered, 503, "store-unavailable");
    let refused = consumer.try_handshake(consumer::OTHER).await;
    assert_problem(&refused, 503, "unavailable");
    assert_eq!(producer.urls().await, [receiver.url("/registered")]);
    locking.batch_execute("ROLLBACK").await.expect("no lock");
    assert_unchanged(&producer, &consumer, &receiver).await;
}

#[tokio::test]
async fn the_manifest_of_a_store_grants_no_other_server() {
    let granted = PostgresServer::start(postgres::Fsync::Off).await;
    let other = PostgresServer::start(postgres::Fsync::Off).await;
    for (name, code) in [
        ("webhook-producer", "store-unavailable"),
        ("webhook-consumer", "unavailable"),
    ] {
        let app = app_on(name, "postgres", &other.url(), granted.address());
        let running = app.start(&Runtime::spin_local()).await;
        let health = Request::get(running.url("/healthz")).send().await;
        assert_problem(&health, 503, code);
    }
}

#[test]
fn a_component_whose_store_is_on_a_server_imports_neither_sqlite_nor_key_value() {
    components::on_server("webhook-producer", "postgres");
    let built = components::root().join("target/server-store/wasm32-wasip2/release");
    for name in ["webhook_producer", "webhook_consumer", "webhook_guard"] {
        let component = std::fs::read(built.join(format!("{name}.wasm"))).expect("it is built");
        let names = String::from_utf8_lossy(&component);
        assert!(names.contains("fermyon:spin/postgres@"), "{name}");
        for import in ["fermyon:spin/sqlite@", "fermyon:spin/key-value@"] {
            assert!(!names.contains(import), "{name}: {import}");
        }
    }
}
