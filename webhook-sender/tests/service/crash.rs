//! Kills of each process at any moment, which lose no event.
//!
//! Each test publishes 5,000 events and counts them at the receiver. Moments are drawn by how much has
//! arrived, not by time.

use std::time::Duration;

use rand::RngExt;
use serde_json::json;
use test_support::redis::RedisServer;
use test_support::{Request, with_timeout};

use crate::isolation::endless;
use crate::publisher::{Api, publish, to_stream};
use crate::receiver::{Counts, Link, Receiver};
use crate::sender::{SECRET, Sender, Setting, Store};

const EVENTS: usize = 5000;
const KILLS: usize = 10;
/// The permits of a sender, each held until the outcome is recorded: the most deliveries in flight at a
/// kill.
const IN_FLIGHT: usize = 64;
const TAKES: Duration = Duration::from_millis(2);

/// Returns an endpoint with many quick retries.
fn config(address: std::net::SocketAddr) -> String {
    let schedule = vec!["\"300ms\""; 60].join(", ");
    format!(
        "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\ntimeout = \"2s\"\n\
         lease = \"4s\"\nplaces = {IN_FLIGHT}\n[retry.often]\nschedule = [\"0s\", {schedule}]\n\
         [[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
         url = \"http://{address}/hook\"\nevents = [\"*\"]\nsecret = \"{SECRET}\"\n\
         retry = \"often\"\nmax_in_flight = {IN_FLIGHT}\n"
    )
}

/// Returns random moments in rising order, each a number of arrived events.
fn moments(count: usize) -> Vec<usize> {
    let mut moments: Vec<_> = (0..count)
        .map(|_| rand::rng().random_range(1..EVENTS - IN_FLIGHT))
        .collect();
    moments.sort_unstable();
    moments
}

/// Waits until every delivery has ended, and then accounts for each event.
async fn accounted(counts: &Counts, sender: &Sender, most_duplicates: usize) {
    counts.reach(EVENTS).await;
    let ended = async {
        // A pending delivery may be in flight at the next query, and the other way round.
        while !(none_is("pending", sender).await
            && none_is("in_flight", sender).await
            && none_is("pending", sender).await)
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(ended, || "the last delivery to end".into()).await;
    assert!(none_is("dead", sender).await);
    assert_eq!(counts.refused(), [""; 0]);
    assert_eq!(counts.different(), EVENTS);
    let duplicates = counts.duplicates();
    println!("{duplicates} duplicates");
    assert!(duplicates <= most_duplicates, "{duplicates} duplicates");
}

/// Returns `true` if no delivery has this state, and `false` while the sender does not respond.
async fn none_is(state: &str, sender: &Sender) -> bool {
    let url = format!(
        "{}/v1/tenants/acme/deliveries?state={state}&limit=1",
        sender.api
    );
    match Request::get(url).try_send().await {
        Ok(reply) if reply.status == 200 => reply.json()["items"] == json!([]),
        _ => false,
    }
}

/// Returns the number of logged attempts that failed in this phase.
fn failures(sender: &Sender, phase: &str) -> usize {
    let phase = format!("\"phase\":\"{phase}\"");
    sender.log().matches(&phase).count()
}

/// Waits until more than `before` attempts have failed in this phase.
async fn fails_again(sender: &Sender, phase: &str, before: usize) {
    let failed = async {
        while failures(sender, phase) <= before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(failed, || sender.log()).await;
}

async fn a_killed_sender_redelivers_and_loses_nothing(store: Store) {
    let receiver = Receiver::start(TAKES).await;
    let setting = Setting::new(store).await;
    setting.configure("sender", &config(receiver.address));
    let mut sender = setting.start("sender");
    let api = Api::of(&sender);
    let kills = async {
        for moment in moments(KILLS) {
            receiver.counts.reach(moment).await;
            sender.kill();
            sender = setting.start("sender");
            api.moved(&sender);
        }
        sender
    };
    let (sender, ()) = tokio::join!(kills, publish(&setting, &api, 0..EVENTS));
    accounted(&receiver.counts, &sender, KILLS * IN_FLIGHT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sender_redelivers_and_loses_nothing_with_sqlite() {
    a_killed_sender_redelivers_and_loses_nothing(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sender_redelivers_and_loses_nothing_with_sqlite_and_a_stream() {
    a_killed_sender_redelivers_and_loses_nothing(Store::SqliteWithStream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sender_redelivers_and_loses_nothing_with_redis() {
    a_killed_sender_redelivers_and_loses_nothing(Store::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sender_redelivers_and_loses_nothing_with_postgresql() {
    a_killed_sender_redelivers_and_loses_nothing(Store::Postgres).await;
}

// Not with SQLite, whose file belongs to one process.
async fn the_work_of_one_of_three_killed_senders_is_done_by_the_others(store: Store) {
    let receiver = Receiver::start(TAKES).await;
    let setting = Setting::new(store).await;
    let names = ["one", "two", "three"];
    let mut senders = names.map(|name| {
        setting.configure(name, &config(receiver.address));
        setting.start(name)
    });
    senders.rotate_left(rand::rng().random_range(0..names.len()));
    let [killed, left, _other] = senders;
    let api = Api::of(&left);
    let kill = async {
        receiver.counts.reach(EVENTS / 3).await;
        killed.kill();
    };
    tokio::join!(kill, publish(&setting, &api, 0..EVENTS));
    accounted(&receiver.counts, &left, IN_FLIGHT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_of_one_of_three_killed_senders_is_done_by_the_others_with_redis() {
    the_work_of_one_of_three_killed_senders_is_done_by_the_others(Store::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_of_one_of_three_killed_senders_is_done_by_the_others_with_postgresql() {
    the_work_of_one_of_three_killed_senders_is_done_by_the_others(Store::Postgres).await;
}

async fn a_killed_redis_loses_nothing(store: Store) {
    const KILLS: usize = 3;
    const PART: usize = EVENTS / (KILLS + 1);
    let receiver = Receiver::start(TAKES).await;
    let mut setting = Setting::new(store).await;
    setting.configure("sender", &config(receiver.address));
    let sender = setting.start("sender");
    let redis = setting.redis.as_mut().expect("a Redis");
    // In parts, so that events are in progress at each kill.
    for from in (0..KILLS).map(|kill| kill * PART) {
        to_stream(redis, from..from + PART).await;
        let moment = from + rand::rng().random_range(1..PART - IN_FLIGHT);
        receiver.counts.reach(moment).await;
        killed_and_restarted(redis).await;
    }
    to_stream(redis, KILLS * PART..EVENTS).await;
    // Responses that were not recorded when Redis died are recorded when it is back.
    accounted(&receiver.counts, &sender, KILLS * IN_FLIGHT).await;
}

async fn killed_and_restarted(redis: &mut RedisServer) {
    redis.kill();
    redis.restart().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_redis_loses_nothing_that_is_kept_in_it() {
    a_killed_redis_loses_nothing(Store::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_redis_loses_nothing_of_the_stream_to_sqlite() {
    a_killed_redis_loses_nothing(Store::SqliteWithStream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_postgresql_loses_nothing() {
    const KILLS: usize = 3;
    let receiver = Receiver::start(TAKES).await;
    let mut setting = Setting::new(Store::Postgres).await;
    setting.configure("sender", &config(receiver.address));
    let sender = setting.start("sender");
    let api = Api::of(&sender);
    let mut postgres = setting.postgres.take().expect("the store has one");
    let kills = async {
        for moment in moments(KILLS) {
            receiver.counts.reach(moment).await;
            postgres.kill();
            postgres.restart().await;
        }
    };
    tokio::join!(api.publish(0..EVENTS), kills);
    // Responses that were not recorded when it died are recorded when it is back.
    accounted(&receiver.counts, &sender, KILLS * IN_FLIGHT).await;
}

async fn a_killed_receiver_gets_everything(store: Store) {
    const KILLS: usize = 3;
    let mut receiver = Receiver::start(TAKES).await;
    let setting = Setting::new(store).await;
    setting.configure("sender", &config(receiver.address));
    let sender = setting.start("sender");
    let counts = receiver.counts.clone();
    let kills = async {
        for moment in moments(KILLS) {
            counts.reach(moment).await;
            let before = failures(&sender, "connect");
            receiver.kill();
            fails_again(&sender, "connect", before).await;
            receiver.restart(TAKES).await;
        }
    };
    let api = Api::of(&sender);
    tokio::join!(publish(&setting, &api, 0..EVENTS), kills);
    accounted(&counts, &sender, KILLS * IN_FLIGHT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_receiver_gets_everything_with_sqlite() {
    a_killed_receiver_gets_everything(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_receiver_gets_everything_with_redis() {
    a_killed_receiver_gets_everything(Store::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_receiver_gets_everything_with_postgresql() {
    a_killed_receiver_gets_everything(Store::Postgres).await;
}

async fn a_network_that_stalls_loses_nothing(store: Store) {
    let receiver = Receiver::start(TAKES).await;
    let link = Link::to(receiver.address).await;
    let setting = Setting::new(store).await;
    setting.configure("sender", &config(link.address));
    let sender = setting.start("sender");
    let stall = async {
        receiver.counts.reach(EVENTS / 2).await;
        let before = failures(&sender, "respond");
        link.stall(true);
        // Until an attempt fails because of it.
        fails_again(&sender, "respond", before).await;
        link.stall(false);
    };
    let api = Api::of(&sender);
    tokio::join!(publish(&setting, &api, 0..EVENTS), stall);
    accounted(&receiver.counts, &sender, 2 * IN_FLIGHT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_stalls_loses_nothing_with_sqlite() {
    a_network_that_stalls_loses_nothing(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_stalls_loses_nothing_with_redis() {
    a_network_that_stalls_loses_nothing(Store::Redis).await;
}

/// Returns twenty endpoints with this filter.
fn endpoints_with(filter: &str, url: &str) -> String {
    let endpoint = |number| {
        format!(
            "[[tenant.endpoint]]\nid = \"slow{number}\"\nurl = \"{url}\"\nevents = [\"*\"]\n\
             secret = \"{SECRET}\"\nfilter = \"{filter}\"\n"
        )
    };
    (0..20).map(endpoint).collect()
}

/// Returns the id and the code of the tenant's first dead letter, if it has one.
async fn dead_letter(sender: &Sender) -> Option<(String, String)> {
    let url = format!("{}/v1/tenants/acme/dead-letters", sender.api);
    let reply = Request::get(&url).send().await.json();
    let item = reply["items"].as_array()?.first()?.clone();
    let text = |field: &str| item[field].as_str().map(str::to_owned);
    Some((text("id")?, text("code")?))
}

/// Waits for a dead letter for a while: long enough for planning to begin.
async fn dead_letter_within(sender: &Sender, time: Duration) -> Option<(String, String)> {
    let found = async {
        loop {
            match dead_letter(sender).await {
                Some(found) => return found,
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    tokio::time::timeout(time, found).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_during_whose_planning_the_process_dies_again_and_again_is_rejected_and_can_be_retried()
 {
    let receiver = test_support::Receiver::start().await;
    let setting = Setting::new(Store::Redis).await;
    let healthy = config(receiver.address());
    let url = format!("http://{}/slow", receiver.address());
    setting.configure(
        "sender",
        &(healthy.clone() + &endpoints_with(&endless(), &url)),
    );
    let redis = setting.redis.as_ref().expect("a Redis");
    // Longer than the part that is shown of an entry that cannot be planned.
    let data = json!({ "text": "x".repeat(100_000) }).to_string();
    let client = redis::Client::open(redis.url()).expect("a url");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("redis-server responds");
    let entry: String = redis::cmd("XADD")
        .arg(&["events", "*", "tenant", "acme", "type", "order.shipped"])
        .arg(&["data", &data])
        .query_async(&mut connection)
        .await
        .expect("redis-server takes it");

    let mut deaths = 0;
    let (id, code) = loop {
        let sender = setting.start("sender");
        let found = dead_letter_within(&sender, Duration::from_millis(500)).await;
        sender.kill();
        match found {
            Some(found) => break found,
            None => deaths += 1,
        }
        assert!(deaths < 60, "the event is tried for ever");
    };
    assert!(deaths >= 5, "it was rejected after {deaths} deaths");
    assert_eq!(code, "poison");
    assert!(id.ends_with(&entry), "{id} is derived from {entry}");

    setting.configure("sender", &(healthy + &endpoints_with("false", &url)));
    let sender = setting.start("sender");
    let retry = format!("{}/v1/dead-letters/{id}/retry", sender.api);
    let reply = Request::post(retry).send().await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    let delivered = receiver.received(1).await;
    let event = id.rsplit('.').next();
    assert_eq!(delivered[0].header("webhook-id"), event);
    assert!(delivered[0].body == data.as_bytes(), "its data is whole");
}
