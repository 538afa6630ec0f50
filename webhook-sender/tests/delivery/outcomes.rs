//! Outcomes of deliveries.

use std::time::Duration;

use test_support::{Behaviour, RawReceiver, Receiver};
use webhook_model::{Clock, Endpoint, Millis, Phase};
use webhook_sender::deliver::Settings;

use super::support::{Row, Setup, State, World, schedule};

async fn settled(world: &World, endpoint: &webhook_model::Endpoint) -> Row {
    let ended = |row: &Row| matches!(row.state, State::Succeeded | State::Dead(_));
    world
        .store
        .until("its end", |store| store.count(endpoint, ended) == 1)
        .await;
    world.store.rows(endpoint).remove(0)
}

async fn tried(world: &World, endpoint: &webhook_model::Endpoint) -> Row {
    let tried = |row: &Row| !row.attempts.is_empty();
    world
        .store
        .until("an attempt", |store| store.count(endpoint, tried) == 1)
        .await;
    world.store.rows(endpoint).remove(0)
}

#[tokio::test]
async fn a_failing_delivery_is_retried_under_the_same_id_until_it_succeeds() {
    let (world, receiver) = (World::start().await, Receiver::start().await);
    let statuses = [503, 302, 404];
    let raw = RawReceiver::start(move |n| {
        let status = statuses.get(n).unwrap_or(&200);
        Some(format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nno").into_bytes())
    })
    .await;
    drop(receiver);
    let retry = schedule(&[0, 1, 1, 1, 1]);
    let endpoint = world
        .endpoint("orders", &raw.url(), |endpoint| endpoint.retry = retry)
        .await;
    world.publish(&endpoint, "evt_1", b"{}");
    let row = settled(&world, &endpoint).await;
    assert_eq!(row.state, State::Succeeded);
    let statuses: Vec<_> = row
        .attempts
        .iter()
        .map(|attempt| attempt.status.unwrap())
        .collect();
    assert_eq!(statuses, [503, 302, 404, 200]);
    assert_eq!(row.attempts[3].error, None);
    assert_eq!(row.attempts[0].exchange.response().unwrap().text(), "no");
    assert_eq!(raw.counts.connections(), 1, "the connection was kept");
    world.end().await;
}

#[tokio::test]
async fn a_delivery_is_dead_after_its_last_attempt_with_the_reason() {
    let (world, receiver) = (World::start().await, Receiver::start().await);
    receiver.on("/", Behaviour::status(418).body("teapot"));
    let retry = schedule(&[0, 1, 1]);
    let endpoint = world
        .endpoint("tea", &receiver.url("/"), |endpoint| endpoint.retry = retry)
        .await;
    world.publish(&endpoint, "evt_1", b"{}");
    let row = settled(&world, &endpoint).await;
    let reason = "the last of 3 attempts failed: responded 418";
    assert_eq!(row.state, State::Dead(reason.into()));
    assert_eq!(row.attempts.len(), 3);
    assert_eq!(
        row.attempts[2].exchange.response().unwrap().text(),
        "teapot"
    );
    let ids: Vec<_> = receiver.requests();
    assert!(
        ids.iter()
            .all(|request| request.header("webhook-id") == Some("evt_1"))
    );
    world.end().await;
}

#[tokio::test]
async fn retry_after_delays_the_next_attempt() {
    let (world, receiver) = (World::start().await, Receiver::start().await);
    receiver.on("/", Behaviour::status(503).header("retry-after", "3600"));
    let endpoint = world.endpoint("busy", &receiver.url("/"), |_| {}).await;
    world.publish(&endpoint, "evt_1", b"{}");
    let row = tried(&world, &endpoint).await;
    let State::Due(due) = row.state else {
        panic!("{row:?}");
    };
    assert!(
        due >= row.attempts[0].at.after(Duration::from_secs(3600)),
        "{due}"
    );
    world.end().await;
}

#[tokio::test]
async fn a_410_buries_the_delivery_and_closes_the_endpoint_at_once() {
    let (world, receiver) = (World::start().await, Receiver::start().await);
    receiver.on("/", Behaviour::status(410));
    let url = receiver.url("/");
    let endpoint = world
        .endpoint("gone", &url, |endpoint| endpoint.max_in_flight = Some(1))
        .await;
    world.publish_many(&endpoint, 5);
    let changes = world.health_changes.until(1).await;
    assert_eq!(
        changes,
        ["gone disabled: responded 410: the receiver is gone"]
    );
    let dead = |row: &Row| matches!(row.state, State::Dead(_));
    world
        .store
        .until("one dead", |store| store.count(&endpoint, dead) == 1)
        .await;
    let waiting = |row: &Row| matches!(row.state, State::Due(_)) && row.attempts.is_empty();
    world
        .store
        .until("the others back", |store| {
            store.count(&endpoint, waiting) == 4
        })
        .await;
    // The other version of the endpoint is not disabled.
    receiver.on("/", Behaviour::status(200));
    world.put(endpoint.clone()).await;
    webhook_sender::plan::DispatchPort::wake(&world.dispatch_port);
    let succeeded = |row: &Row| row.state == State::Succeeded;
    world
        .store
        .until("the others", |store| store.count(&endpoint, succeeded) == 4)
        .await;
    assert_eq!(receiver.requests().len(), 5);
    world.end().await;
}

#[tokio::test]
async fn failures_are_recorded_with_their_phase() {
    let world = World::of(Setup {
        settings: Settings {
            timeout: Duration::from_millis(300),
            ..Settings::default()
        },
        ..Setup::default()
    })
    .await;
    let receiver = Receiver::start().await;
    receiver.on("/hang", Behaviour::hang());
    receiver.on("/close", Behaviour::close());
    let garbage = RawReceiver::start(|_| Some(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())).await;
    let closed = RawReceiver::start(|_| None).await;
    let refusing = closed.url();
    drop(closed);
    // It accepts connections but never speaks TLS.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!(
        "https://{}/",
        silent
            .local_addr()
            .map(|address| (silent, address))
            .map(|(listener, address)| {
                std::mem::forget(listener);
                address
            })
            .unwrap()
    );
    let cases = [
        (
            "hang",
            receiver.url("/hang"),
            Phase::Respond,
            "timed out while waiting for the response",
        ),
        (
            "close",
            receiver.url("/close"),
            Phase::Respond,
            "no response: unexpected end of file",
        ),
        (
            "garbage",
            garbage.url(),
            Phase::Respond,
            "the response is not HTTP: invalid HTTP version",
        ),
        (
            "refuse",
            refusing,
            Phase::Connect,
            "no connection: connection refused",
        ),
        ("tls", silent, Phase::Connect, "timed out while connecting"),
        (
            "private",
            "http://10.0.0.1:8443/".into(),
            Phase::Address,
            "`http://10.0.0.1:8443` is not public: it leads to this machine or into a private network",
        ),
        (
            "name",
            "http://no-such-host.invalid/".into(),
            Phase::Address,
            "",
        ),
    ];
    for (id, url, phase, error) in cases {
        let endpoint = world.endpoint(id, &url, |_| {}).await;
        world.publish(&endpoint, "evt_1", b"{}");
        let row = tried(&world, &endpoint).await;
        assert_eq!(row.attempts[0].phase, Some(phase), "{id}: {row:?}");
        let found = row.attempts[0].error.as_deref().unwrap();
        assert!(error.is_empty() || found == error, "{id}: {found}");
        assert!(matches!(row.state, State::Due(_)), "{id}");
    }
    let metrics = world.metrics();
    for line in [
        r#"attempts_total{phase="respond",status="none"} 3"#,
        r#"attempts_total{phase="connect",status="none"} 2"#,
        r#"attempts_total{phase="address",status="none"} 2"#,
        r#"deliveries_total{outcome="retried"} 7"#,
        "attempt_duration_seconds_count 7",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    world.end().await;
}

#[tokio::test]
async fn an_endpoint_that_has_failed_for_five_days_is_disabled() {
    let (world, receiver) = (World::start().await, Receiver::start().await);
    receiver.on("/", Behaviour::status(500));
    let days = |days: u64| world.clock.now().before(Duration::from_secs(days * 86_400));
    let (young, old) = (days(4), days(5));
    let url = receiver.url("/");
    let young = world
        .endpoint("young", &url, |it| it.failing_since = Some(young))
        .await;
    let old = world
        .endpoint("old", &url, |it| it.failing_since = Some(old))
        .await;
    world.publish(&young, "evt_1", b"{}");
    tried(&world, &young).await;
    world.publish(&old, "evt_1", b"{}");
    let changes = world.health_changes.until(1).await;
    let since = old.failing_since.unwrap();
    assert_eq!(
        changes,
        [format!(
            "old disabled: every attempt has failed since {since}"
        )]
    );
    world.end().await;
}

/// Creates an endpoint whose receiver responds 500, with a clock that stands still.
async fn at_a_standing_clock() -> (Clock, World, Receiver, Endpoint) {
    let clock = Clock::standing_at(Millis(1_000_000_000_000));
    let world = World::of(Setup {
        clock: clock.clone(),
        ..Setup::default()
    })
    .await;
    let receiver = Receiver::start().await;
    receiver.on("/", Behaviour::status(500));
    let endpoint = world.endpoint("orders", &receiver.url("/"), |_| {}).await;
    (clock, world, receiver, endpoint)
}

#[tokio::test]
async fn enabling_an_endpoint_restarts_its_failure_window() {
    let (clock, world, _receiver, endpoint) = at_a_standing_clock().await;
    let began = clock.now();
    let fail_after = async |seconds: u64| {
        clock.set(began.after(Duration::from_secs(seconds)));
        let id = world
            .publish(&endpoint, &format!("evt_{seconds}"), b"{}")
            .id;
        world
            .store
            .until("an attempt", |store| !store.row(&id).attempts.is_empty())
            .await;
    };
    let stored = async |failing_since| {
        let endpoint = endpoint.clone();
        let stored = Endpoint {
            failing_since,
            ..endpoint
        };
        world.put(stored).await;
    };
    fail_after(0).await;
    fail_after(60).await;
    world.health_changes.until(1).await;
    stored(Some(began)).await;
    fail_after(61).await;
    // Enables the endpoint like the API.
    stored(None).await;
    fail_after(120).await;
    fail_after(180).await;
    let changes = world.health_changes.until(2).await;
    let again = began.after(Duration::from_secs(120));
    assert_eq!(changes[1], format!("orders failing since {again}"));
    world.end().await;
}

#[tokio::test]
async fn a_failing_endpoint_is_reported_after_a_minute_and_its_recovery_once() {
    let (clock, world, receiver, endpoint) = at_a_standing_clock().await;
    let began = clock.now();
    let tried_again = async |event: &str| {
        let id = world.publish(&endpoint, event, b"{}").id;
        world
            .store
            .until("an attempt", |store| !store.row(&id).attempts.is_empty())
            .await;
    };
    tried_again("evt_1").await;
    clock.set(began.after(Duration::from_secs(59)));
    tried_again("evt_2").await;
    assert_eq!(world.health_changes.all(), [""; 0]);
    clock.set(began.after(Duration::from_secs(60)));
    tried_again("evt_3").await;
    assert_eq!(
        world.health_changes.until(1).await,
        [format!("orders failing since {began}")]
    );
    world
        .put(Endpoint {
            failing_since: Some(began),
            ..endpoint.clone()
        })
        .await;
    receiver.on("/", Behaviour::status(200));
    tried_again("evt_4").await;
    tried_again("evt_5").await;
    let changes = world.health_changes.until(2).await;
    assert_eq!(changes[1], "orders recovered");
    let store = world.store.clone();
    let health_changes = world.health_changes.clone();
    world.end().await;
    assert_eq!(health_changes.all().len(), 2);
    drop(store);
}
