//! Nothing is lost, whatever is killed and whenever.
//!
//! Each test publishes 5,000 events and counts them at the receiver. Moments are drawn by how much has
//! arrived, not by time.

use std::time::Duration;

use rand::RngExt;

use crate::publisher::{Api, to_stream};
use crate::receiver::{Link, Receiver};
use crate::sender::{SECRET, Setting, Store};

const EVENTS: usize = 5000;
const KILLS: usize = 10;
/// Places of the endpoint, so the most that can be in flight at a kill.
const IN_FLIGHT: usize = 64;
const TAKES: Duration = Duration::from_millis(2);

/// One endpoint that tries again soon and often.
fn config(address: std::net::SocketAddr) -> String {
    let schedule = vec!["\"300ms\""; 60].join(", ");
    format!(
        "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\ntimeout = \"2s\"\n\
         lease = \"4s\"\n[retry.often]\nschedule = [\"0s\", {schedule}]\n\
         [[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
         url = \"http://{address}/hook\"\nevents = [\"*\"]\nsecret = \"{SECRET}\"\n\
         retry = \"often\"\nmax_in_flight = {IN_FLIGHT}\n"
    )
}

/// Random moments in rising order, each a number of events that have arrived.
fn moments(count: usize) -> Vec<usize> {
    let mut moments: Vec<_> = (0..count)
        .map(|_| rand::rng().random_range(1..EVENTS - IN_FLIGHT))
        .collect();
    moments.sort_unstable();
    moments
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
        receiver.counts.reach(EVENTS).await;
        sender
    };
    let publish = async {
        match &setting.redis {
            Some(redis) => to_stream(redis, 0..EVENTS).await,
            None => api.publish(0..EVENTS).await,
        }
    };
    let (_sender, ()) = tokio::join!(kills, publish);
    let duplicates = receiver.counts.duplicates();
    println!("{store:?}: {duplicates} duplicates after {KILLS} kills");
    assert_eq!(receiver.counts.different(), EVENTS);
    assert!(duplicates <= KILLS * IN_FLIGHT, "{duplicates} duplicates");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sender_redelivers_and_loses_nothing_with_sqlite() {
    a_killed_sender_redelivers_and_loses_nothing(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sender_redelivers_and_loses_nothing_with_redis() {
    a_killed_sender_redelivers_and_loses_nothing(Store::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_of_one_of_three_killed_senders_is_done_by_the_others() {
    let receiver = Receiver::start(TAKES).await;
    let setting = Setting::new(Store::Redis).await;
    let names = ["one", "two", "three"];
    let mut senders = names.map(|name| {
        setting.configure(name, &config(receiver.address));
        Some(setting.start(name))
    });
    let redis = setting.redis.as_ref().expect("the Redis store has one");
    let kill = async {
        receiver.counts.reach(EVENTS / 3).await;
        let victim = rand::rng().random_range(0..names.len());
        senders[victim].take().expect("it runs").kill();
    };
    tokio::join!(kill, to_stream(redis, 0..EVENTS));
    receiver.counts.reach(EVENTS).await;
    let duplicates = receiver.counts.duplicates();
    assert!(duplicates <= IN_FLIGHT, "{duplicates} duplicates");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_redis_loses_nothing() {
    let receiver = Receiver::start(TAKES).await;
    let mut setting = Setting::new(Store::Redis).await;
    setting.configure("sender", &config(receiver.address));
    to_stream(setting.redis.as_ref().expect("a Redis"), 0..EVENTS).await;
    let _sender = setting.start("sender");
    let redis = setting.redis.as_mut().expect("a Redis");
    for moment in moments(3) {
        receiver.counts.reach(moment).await;
        redis.kill();
        redis.restart().await;
    }
    receiver.counts.reach(EVENTS).await;
    // What was answered and not recorded when Redis died is recorded when it is back.
    let duplicates = receiver.counts.duplicates();
    assert!(duplicates <= 3 * IN_FLIGHT, "{duplicates} duplicates");
}

async fn a_killed_receiver_gets_everything(store: Store) {
    let mut receiver = Receiver::start(TAKES).await;
    let setting = Setting::new(store).await;
    setting.configure("sender", &config(receiver.address));
    let sender = setting.start("sender");
    let counts = receiver.counts.clone();
    let publish = async {
        match &setting.redis {
            Some(redis) => to_stream(redis, 0..EVENTS).await,
            None => Api::of(&sender).publish(0..EVENTS).await,
        }
    };
    let kills = async {
        for moment in moments(3) {
            counts.reach(moment).await;
            receiver.kill();
            receiver.restart(TAKES).await;
        }
        counts.reach(EVENTS).await;
    };
    tokio::join!(publish, kills);
    let duplicates = counts.duplicates();
    assert!(duplicates <= 3 * IN_FLIGHT, "{duplicates} duplicates");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_receiver_gets_everything_with_sqlite() {
    a_killed_receiver_gets_everything(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_receiver_gets_everything_with_redis() {
    a_killed_receiver_gets_everything(Store::Redis).await;
}

async fn a_network_that_stalls_loses_nothing(store: Store) {
    let receiver = Receiver::start(TAKES).await;
    let link = Link::to(receiver.address).await;
    let setting = Setting::new(store).await;
    setting.configure("sender", &config(link.address));
    let sender = setting.start("sender");
    let publish = async {
        match &setting.redis {
            Some(redis) => to_stream(redis, 0..EVENTS).await,
            None => Api::of(&sender).publish(0..EVENTS).await,
        }
    };
    let stall = async {
        receiver.counts.reach(EVENTS / 2).await;
        link.stall(true);
        // Until an attempt is given up for it.
        let timed_out = async {
            while !sender.log().contains("\"phase\":\"respond\"") {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        test_support::within_patience(timed_out, || sender.log()).await;
        link.stall(false);
        receiver.counts.reach(EVENTS).await;
    };
    tokio::join!(publish, stall);
    let duplicates = receiver.counts.duplicates();
    assert!(duplicates <= 2 * IN_FLIGHT, "{duplicates} duplicates");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_stalls_loses_nothing_with_sqlite() {
    a_network_that_stalls_loses_nothing(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_stalls_loses_nothing_with_redis() {
    a_network_that_stalls_loses_nothing(Store::Redis).await;
}
