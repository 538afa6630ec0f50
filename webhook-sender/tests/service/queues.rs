//! Events from queues: real senders, killed while they read, beside a slow tenant, restarted, and several of
//! them on one queue.

use std::time::Duration;

use rand::RngExt;
use test_support::with_timeout;

use crate::isolation::{endless, metric};
use crate::queue::{Events, Queue};
use crate::receiver::Receiver;
use crate::sender::{SECRET, Sender, Setting, Store};

const IN_FLIGHT: usize = 32;
const TAKES: Duration = Duration::from_millis(2);

/// Defines a test of each queue, named after it. All tests together read each queue into each store.
macro_rules! of_each_queue {
    ($guarantee:ident, { $($name:ident: $queue:ident to $store:ident),* $(,)? }) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            $guarantee(Queue::$queue().await, Store::$store).await;
        }
    )*};
}

const LAG: &str = "webhook_sender_source_lag{source=\"events\"} ";

const DELIVERY: &str = "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n\
                        timeout = \"2s\"\nlease = \"4s\"\n";

/// Returns an endpoint with many quick retries.
fn config(address: std::net::SocketAddr, source: &str) -> String {
    let schedule = vec!["\"300ms\""; 60].join(", ");
    format!(
        "{source}{DELIVERY}places = {IN_FLIGHT}\n[retry.often]\nschedule = [\"0s\", {schedule}]\n\
         [[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
         url = \"http://{address}/hook\"\nevents = [\"*\"]\nsecret = \"{SECRET}\"\n\
         retry = \"often\"\nmax_in_flight = {IN_FLIGHT}\n"
    )
}

/// Waits until a metric has this value.
async fn until(sender: &Sender, name: &str, value: &str) {
    let reached = async {
        while metric(sender, name).await.as_deref() != Some(value) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(reached, || format!("{name}{value}")).await;
}

async fn a_sender_that_is_killed_often_loses_nothing(queue: Queue, store: Store) {
    const PART: usize = 150;
    // A group of Kafka waits ten seconds for a member that was killed.
    let kills = if matches!(queue, Queue::Kafka(_)) {
        3
    } else {
        10
    };
    let events = kills * PART;
    let receiver = Receiver::start(TAKES).await;
    let setting = Setting::without_stream(store).await;
    setting.configure("sender", &config(receiver.address, &queue.source()));
    let mut sender = setting.start("sender");
    for kill in 0..kills {
        let from = kill * PART;
        // Killed while it reads: some of its events are between the store and the acknowledgement.
        let moment = from + rand::rng().random_range(1..PART - IN_FLIGHT);
        tokio::join!(
            queue.publish(Events::of("acme", from..from + PART)),
            receiver.counts.reach(moment)
        );
        sender.kill();
        sender = setting.start("sender");
    }
    receiver.counts.reach(events).await;
    until(&sender, LAG, "0").await;
    assert_eq!(receiver.counts.refused(), [""; 0]);
    assert_eq!(receiver.counts.different(), events);
    let duplicates = receiver.counts.duplicates();
    assert!(duplicates <= kills * IN_FLIGHT, "{duplicates} duplicates");
}

// `crash` has the test with Redis.
of_each_queue!(a_sender_that_is_killed_often_loses_nothing, {
    a_sender_of_rabbitmq_that_is_killed_ten_times_loses_nothing: rabbit to Sqlite,
    a_sender_of_nats_that_is_killed_ten_times_loses_nothing: nats to Redis,
    a_sender_of_an_outbox_that_is_killed_ten_times_loses_nothing: outbox to Redis,
});

#[tokio::test(flavor = "multi_thread")]
async fn senders_of_kafka_that_are_killed_twelve_times_lose_nothing() {
    // Each group waits by itself.
    let killed = async || {
        a_sender_that_is_killed_often_loses_nothing(Queue::kafka().await, Store::Sqlite).await
    };
    tokio::join!(killed(), killed(), killed(), killed());
}

async fn a_tenant_whose_events_take_long_to_plan_leaves_none_in_the_queue(
    queue: Queue,
    store: Store,
) {
    let receiver = Receiver::start(Duration::ZERO).await;
    let setting = Setting::without_stream(store).await;
    let mut text = config(receiver.address, &queue.source());
    text += "[[tenant]]\nid = \"slow\"\n";
    for number in 0..20 {
        text += &format!(
            "[[tenant.endpoint]]\nid = \"e{number}\"\nurl = \"http://{}/hook\"\nevents = [\"*\"]\n\
             secret = \"{SECRET}\"\nfilter = \"{}\"\n",
            receiver.address,
            endless()
        );
    }
    setting.configure("sender", &text);
    let sender = setting.start("sender");
    queue.publish(Events::of("slow", 0..100)).await;
    queue.publish(Events::of("acme", 100..200)).await;
    receiver.counts.reach(100).await;
    let acknowledged = "webhook_sender_source_entries_acknowledged_total{source=\"events\"} ";
    until(&sender, acknowledged, "200").await;
    until(&sender, LAG, "0").await;
    let waiting = metric(&sender, "webhook_sender_accepted_events ").await;
    assert!(
        waiting.is_some_and(|waiting| waiting != "0"),
        "the slow ones are planned already: it shows nothing"
    );
}

of_each_queue!(a_tenant_whose_events_take_long_to_plan_leaves_none_in_the_queue, {
    a_tenant_whose_events_take_long_to_plan_leaves_none_in_redis: redis to Postgres,
    a_tenant_whose_events_take_long_to_plan_leaves_none_in_rabbitmq: rabbit to Redis,
    a_tenant_whose_events_take_long_to_plan_leaves_none_in_nats: nats to Sqlite,
    a_tenant_whose_events_take_long_to_plan_leaves_none_in_kafka: kafka to Redis,
    a_tenant_whose_events_take_long_to_plan_leaves_none_in_an_outbox: outbox to Sqlite,
});

/// Returns two tenants with an ordered endpoint each.
fn ordered(receiver: &test_support::Receiver, source: &str) -> String {
    let tenant = |id: &str| {
        format!(
            "[[tenant]]\nid = \"{id}\"\n[[tenant.endpoint]]\nid = \"{id}\"\nordered = true\n\
             url = \"{}\"\nevents = [\"*\"]\nsecret = \"{SECRET}\"\n",
            receiver.url(&format!("/{id}"))
        )
    };
    format!("{source}{DELIVERY}{}{}", tenant("plain"), tenant("keyed"))
}

/// Returns the numbers of the events that have arrived at a path.
fn numbers(receiver: &test_support::Receiver, path: &str) -> Vec<usize> {
    let requests = receiver.requests_to(path);
    let number = |body: &[u8]| std::str::from_utf8(body).unwrap().parse().unwrap();
    requests.iter().map(|one| number(&one.body)).collect()
}

async fn the_order_of_each_tenant_and_of_each_key_is_kept_over_a_restart(
    queue: Queue,
    store: Store,
) {
    const PART: usize = 100;
    const KEYS: usize = 4;
    let receiver = test_support::Receiver::start().await;
    let setting = Setting::without_stream(store).await;
    setting.configure("sender", &ordered(&receiver, &queue.source()));
    let publish = async |part: usize| {
        let plain = part * PART..(part + 1) * PART;
        let keyed = Events {
            keys: Some(KEYS),
            ..Events::of("keyed", plain.start + 2 * PART..plain.end + 2 * PART)
        };
        queue.publish(Events::of("plain", plain)).await;
        queue.publish(keyed).await;
    };
    publish(0).await;
    let sender = setting.start("sender");
    receiver.received(PART / 4).await;
    // Events are in the queue, in the store, and under way.
    assert!(sender.stop().success());
    publish(1).await;
    let _sender = setting.start("sender");
    receiver.received(4 * PART).await;
    let plain: Vec<_> = (0..2 * PART).collect();
    assert_eq!(numbers(&receiver, "/plain"), plain);
    let keyed = numbers(&receiver, "/keyed");
    for key in 0..KEYS {
        let of_key = |number: &usize| number % KEYS == key;
        let expected: Vec<_> = (2 * PART..4 * PART).filter(of_key).collect();
        let arrived: Vec<_> = keyed.iter().copied().filter(of_key).collect();
        assert_eq!(arrived, expected, "key {key}");
    }
}

of_each_queue!(the_order_of_each_tenant_and_of_each_key_is_kept_over_a_restart, {
    the_order_of_a_stream_of_redis_is_kept_over_a_restart: redis to Sqlite,
    the_order_of_a_queue_of_rabbitmq_is_kept_over_a_restart: rabbit to Postgres,
    the_order_of_a_stream_of_nats_is_kept_over_a_restart: nats to Postgres,
    the_order_of_a_partition_of_kafka_is_kept_over_a_restart: kafka to Postgres,
    the_order_of_an_outbox_is_kept_over_a_restart: outbox to Postgres,
});

async fn three_senders_share_a_queue_and_a_store(queue: Queue, store: Store) {
    const EVENTS: usize = 1500;
    let receiver = Receiver::start(TAKES).await;
    let setting = Setting::without_stream(store).await;
    let senders = ["one", "two", "three"].map(|name| {
        setting.configure(name, &config(receiver.address, &queue.source()));
        setting.start(name)
    });
    let events = |numbers| Events {
        keys: Some(3),
        ..Events::of("acme", numbers)
    };
    queue.publish(events(0..EVENTS)).await;
    receiver.counts.reach(EVENTS).await;
    let [killed, left, _other] = senders;
    killed.kill();
    queue.publish(events(EVENTS..2 * EVENTS)).await;
    receiver.counts.reach(2 * EVENTS).await;
    until(&left, LAG, "0").await;
    assert_eq!(receiver.counts.different(), 2 * EVENTS);
    let duplicates = receiver.counts.duplicates();
    assert!(duplicates <= IN_FLIGHT, "{duplicates} duplicates");
}

of_each_queue!(three_senders_share_a_queue_and_a_store, {
    three_senders_share_a_stream_of_redis_and_a_store: redis to Postgres,
    three_senders_share_a_queue_of_rabbitmq_and_a_store: rabbit to Postgres,
    three_senders_share_a_stream_of_nats_and_a_store: nats to Redis,
    three_senders_share_a_topic_of_kafka_and_a_store: kafka to Postgres,
    three_senders_share_an_outbox_and_a_store: outbox to Redis,
});
