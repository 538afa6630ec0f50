//! Receivers that misbehave, all at once, beside a healthy one: real processes on both stores.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use test_support::redis::RedisServer;
use test_support::{Behaviour, Request, with_timeout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::publisher::{Api, publish, to_stream_of};
use crate::receiver::Receiver;
use crate::sender::{SECRET, Sender, Setting, Store};

const EVENTS: usize = 500;
/// The events that are published first, on which the other endpoints get stuck.
const FIRST: usize = 100;
const GIGABYTE: usize = 1 << 30;

/// Receivers that misbehave in five ways.
struct Sick {
    /// Hangs, sends slowly or fails, depending on the path.
    ill: test_support::Receiver,
    flooding: SocketAddr,
    floods: Arc<AtomicUsize>,
    /// Bound, and not listening: connections are refused.
    closed: TcpSocket,
}

impl Sick {
    async fn start() -> Self {
        let ill = test_support::Receiver::start().await;
        ill.on("/hang", Behaviour::hang());
        ill.on("/drip", Behaviour::drip());
        ill.on("/broken", Behaviour::status(500));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let flooding = listener.local_addr().expect("an address");
        let floods = Arc::new(AtomicUsize::new(0));
        let begun = floods.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(flood(stream, begun.clone()));
            }
        });
        let closed = TcpSocket::new_v4().expect("a socket");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        closed.bind(any).expect("a port");
        Self {
            ill,
            flooding,
            floods,
            closed,
        }
    }

    /// Returns the endpoints of the tenants, by name.
    fn urls(&self) -> [(&'static str, String); 5] {
        let closed = self.closed.local_addr().expect("an address");
        [
            ("hang", self.ill.url("/hang")),
            ("drip", self.ill.url("/drip")),
            ("broken", self.ill.url("/broken")),
            ("flood", format!("http://{}/", self.flooding)),
            ("closed", format!("http://{closed}/")),
        ]
    }

    /// Waits until each was tried.
    async fn all_tried(&self, sender: &Sender) {
        let requested = |path: &str| !self.ill.requests_to(path).is_empty();
        let tried = || {
            [
                requested("/hang"),
                requested("/drip"),
                requested("/broken"),
                self.floods.load(Ordering::SeqCst) > 0,
                sender.log().contains("\"phase\":\"connect\""),
            ]
        };
        let all = async {
            while tried().contains(&false) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        with_timeout(all, || format!("all to be tried: {:?}", tried())).await;
    }
}

/// Responds to one request with a gigabyte.
async fn flood(mut stream: TcpStream, begun: Arc<AtomicUsize>) {
    let mut part = vec![b'x'; 64 * 1024];
    if stream.read(&mut part).await.is_err() {
        return;
    }
    begun.fetch_add(1, Ordering::SeqCst);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {GIGABYTE}\r\n\r\n");
    let mut sent = stream.write_all(head.as_bytes()).await;
    for _ in 0..GIGABYTE / part.len() {
        // A client that has read enough disconnects.
        if sent.is_err() {
            return;
        }
        sent = stream.write_all(&part).await;
    }
}

/// Every endpoint receives every event. An attempt that hangs outlasts the timeout of the test, and there
/// are few permits, so that an endpoint without a limit would hold them all.
fn config<'a>(urls: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut config = "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n\
                      timeout = \"5m\"\nlease = \"20m\"\nplaces = 48\n\
                      [[tenant]]\nid = \"acme\"\n"
        .to_owned();
    for (id, url) in urls {
        config += &format!(
            "[[tenant.endpoint]]\nid = \"{id}\"\nurl = \"{url}\"\nevents = [\"*\"]\n\
             secret = \"{SECRET}\"\n"
        );
    }
    config
}

async fn a_healthy_endpoint_gets_everything_beside_five_sick_ones(store: Store) {
    let (receiver, sick) = (Receiver::start(Duration::ZERO).await, Sick::start().await);
    let setting = Setting::new(store).await;
    let healthy = format!("http://{}/hook", receiver.address);
    let urls = sick.urls();
    let urls = urls.iter().map(|(id, url)| (*id, url.as_str()));
    setting.configure("sender", &config(urls.chain([("healthy", &*healthy)])));
    let sender = setting.start("sender");
    let api = Api::of(&sender);
    publish(&setting, &api, 0..FIRST).await;
    sick.all_tried(&sender).await;
    publish(&setting, &api, FIRST..EVENTS).await;
    receiver.counts.reach(EVENTS).await;
    assert_eq!(receiver.counts.refused(), [""; 0]);
    let arrived = (receiver.counts.different(), receiver.counts.duplicates());
    assert_eq!(arrived, (EVENTS, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_endpoint_gets_everything_beside_five_sick_ones_with_sqlite() {
    a_healthy_endpoint_gets_everything_beside_five_sick_ones(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_endpoint_gets_everything_beside_five_sick_ones_with_redis() {
    a_healthy_endpoint_gets_everything_beside_five_sick_ones(Store::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_endpoint_gets_everything_beside_five_sick_ones_with_postgresql() {
    a_healthy_endpoint_gets_everything_beside_five_sick_ones(Store::Postgres).await;
}

/// Returns an expression that takes as many steps as are allowed.
pub fn endless() -> String {
    let digits = "[0,1,2,3,4,5,6,7,8,9]";
    let all = |inner: String, name: &str| format!("{digits}.all({name}, {inner})");
    ["a", "b", "c", "d", "e", "f", "g", "h"]
        .into_iter()
        .fold("true".to_owned(), all)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_whose_events_take_minutes_to_plan_holds_up_no_other() {
    let receiver = Receiver::start(Duration::ZERO).await;
    let setting = Setting::new(Store::Redis).await;
    let url = format!("http://{}/hook", receiver.address);
    let mut tenants = config([("healthy", &*url)].into_iter());
    tenants += "[[tenant]]\nid = \"slow\"\n";
    for number in 0..20 {
        tenants += &format!(
            "[[tenant.endpoint]]\nid = \"e{number}\"\nurl = \"{url}\"\nevents = [\"*\"]\n\
             secret = \"{SECRET}\"\nfilter = \"{}\"\n",
            endless()
        );
    }
    setting.configure("sender", &tenants);
    let sender = setting.start("sender");
    let redis = setting.redis.as_ref().expect("a stream");
    to_stream_of(redis, "slow", 0..100).await;
    let begun = async {
        while !is_planning(&sender).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(begun, || "the slow tenant's events to be taken".into()).await;
    to_stream_of(redis, "acme", 100..200).await;
    receiver.counts.reach(100).await;
    let waiting = metric(&sender, "webhook_sender_accepted_events ").await;
    assert!(
        waiting.is_some_and(|waiting| waiting != "0"),
        "the slow ones are planned already: it shows nothing"
    );
    assert_eq!(pending(redis).await, 0, "all are durable in the store");
}

/// Returns `true` if accepted events are waiting.
async fn is_planning(sender: &Sender) -> bool {
    let waiting = metric(sender, "webhook_sender_accepted_events ").await;
    waiting.is_some_and(|waiting| waiting != "0")
}

/// Returns the value of the metric whose line begins with `name`.
pub async fn metric(sender: &Sender, name: &str) -> Option<String> {
    let metrics = Request::get(format!("{}/metrics", sender.api)).send().await;
    let text = metrics.text();
    let mut values = text.lines().filter_map(|line| line.strip_prefix(name));
    values.next().map(str::to_owned)
}

/// Returns the number of entries of the stream that were read and not acknowledged.
async fn pending(redis: &RedisServer) -> usize {
    let client = redis::Client::open(redis.url()).expect("a url");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("redis-server responds");
    let mut command = redis::cmd("XPENDING");
    command.arg("events").arg("webhook-sender");
    let row: Vec<redis::Value> = command.query_async(&mut connection).await.expect("a group");
    redis::from_redis_value(row[0].clone()).expect("a count")
}
