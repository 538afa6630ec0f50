//! Large entries on the stream, and little memory.

use std::time::Duration;

use test_support::{Request, with_timeout};

use crate::publisher::to_stream;
use crate::receiver::Receiver;
use crate::sender::{SECRET, Sender, Setting, Store};

const MIB: usize = 1 << 20;

/// Creates a stream without a file, with `count` entries of this many bytes. With `taken`, they are pending
/// with a consumer that has ended.
async fn setting(count: usize, bytes: usize, taken: bool) -> Setting {
    let setting = Setting::new(Store::SqliteWithStream).await;
    let client = redis::Client::open(setting.redis.as_ref().expect("a stream").url());
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let client = client.expect("a url");
    let connection = client.get_multiplexed_async_connection_with_config(&config);
    let mut redis = connection.await.expect("redis-server responds");
    // One command creates all of them on the server, which does not persist them.
    let mut command = redis::cmd("CONFIG");
    command.arg("SET").arg("appendonly").arg("no");
    let set: Result<(), _> = command.query_async(&mut redis).await;
    set.expect("it need not keep them");
    let script = "redis.call('XGROUP', 'CREATE', 'events', 'webhook-sender', '0', 'MKSTREAM')
        local data = '\"' .. string.rep('x', ARGV[2]) .. '\"'
        for n = 1, ARGV[1] do
          redis.call('XADD', 'events', '*', 'tenant', 'acme', 'type', 'a.b', 'data', data)
          if ARGV[3] == '1' then
            redis.call('XREADGROUP', 'GROUP', 'webhook-sender', 'gone', 'STREAMS', 'events', '>')
          end
        end";
    let mut command = redis::cmd("EVAL");
    command
        .arg(script)
        .arg(0)
        .arg(count)
        .arg(bytes)
        .arg(u8::from(taken));
    let made: Result<(), _> = command.query_async(&mut redis).await;
    made.expect("redis-server takes them");
    setting
}

fn config(receiver: &Receiver) -> String {
    format!(
        "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\nmax_body = \"2MiB\"\n\
         [[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
         url = \"http://{}/hook\"\nevents = [\"*\"]\nsecret = \"{SECRET}\"\n",
        receiver.address
    )
}

/// Waits until this many events were rejected.
async fn rejected(sender: &Sender, count: usize) {
    let counted = async {
        loop {
            let metrics = Request::get(format!("{}/metrics", sender.api)).send().await;
            let line = format!(
                "webhook_sender_source_entries_acknowledged_total{{source=\"events\"}} {count}"
            );
            if metrics.text().lines().any(|one| one == line) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    with_timeout(counted, || format!("{count} rejected: {}", sender.log())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_larger_than_an_event_are_rejected_within_the_memory_that_there_is() {
    for taken in [false, true] {
        let receiver = Receiver::start(Duration::ZERO).await;
        let setting = setting(64, 8 * MIB, taken).await;
        setting.configure("sender", &config(&receiver));
        let sender = setting.start_within("sender", 480 << 20);
        rejected(&sender, 64).await;
        to_stream(setting.redis.as_ref().expect("a stream"), 0..10).await;
        receiver.counts.reach(10).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_events_are_delivered_within_the_memory_that_there_is() {
    for taken in [false, true] {
        let receiver = Receiver::start(Duration::ZERO).await;
        let setting = setting(512, MIB, taken).await;
        setting.configure("sender", &config(&receiver));
        let _sender = setting.start_within("sender", 512 << 20);
        receiver.counts.reach(512).await;
        assert_eq!(receiver.counts.refused(), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_there_was_no_room_for_are_made_when_they_are_sent() {
    let receiver = test_support::Receiver::start().await;
    let setting = Setting::new(Store::Sqlite).await;
    let endpoint = |number: usize| {
        let url = receiver.url(&format!("/{number}"));
        format!(
            "[[tenant.endpoint]]\nid = \"ep{number}\"\nurl = \"{url}\"\nevents = [\"*\"]\n\
             transform = \"event.data\"\nsecret = \"{SECRET}\"\n"
        )
    };
    let endpoints: String = (0..6).map(endpoint).collect();
    let config = format!(
        "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n\
         [limits]\nplanned_bytes = \"1MiB\"\n[[tenant]]\nid = \"acme\"\n{endpoints}"
    );
    setting.configure("sender", &config);
    let sender = setting.start("sender");
    let data = "x".repeat(MIB / 3);
    for number in 0..3 {
        let event =
            format!("{{\"id\": \"evt_{number}\", \"type\": \"a.b\", \"data\": \"{data}\"}}");
        let reply = Request::post(format!("{}/v1/tenants/acme/events", sender.api));
        assert_eq!(reply.json(event).send().await.status, 202);
    }
    let sent = receiver.received(18).await;
    for request in sent {
        assert_eq!(request.body, format!("\"{data}\"").into_bytes());
    }
    assert!(sender.stop().success());
}
