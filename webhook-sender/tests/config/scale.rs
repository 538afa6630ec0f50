//! The store's work for many endpoints, by the counters of commands and bytes of a Redis server.

use async_trait::async_trait;
use redis_link::Address;
use test_support::redis::{Fsync, RedisServer};
use webhook_model::{Millis, Secret};
use webhook_sender::config::{Config, HandshakeTarget, Handshakes, apply};
use webhook_store::redis::RedisStore;

struct NoHandshakes;

#[async_trait]
impl Handshakes for NoHandshakes {
    async fn perform(&self, target: HandshakeTarget<'_>, _: &Secret) -> anyhow::Result<()> {
        panic!("a handshake with {}", target.url)
    }
}

/// The work of the server: commands, and bytes that it sent.
#[derive(Clone, Copy, Debug)]
struct Work {
    commands: u64,
    bytes: u64,
}

struct World {
    server: RedisServer,
    store: RedisStore,
}

impl World {
    async fn new() -> Self {
        let server = RedisServer::start(Fsync::EverySecond).await;
        let store = RedisStore::new(Address::parse(&server.url()).unwrap());
        Self { server, store }
    }

    async fn stats(&self) -> Work {
        let client = redis::Client::open(self.server.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let info: String = redis::cmd("INFO")
            .arg("stats")
            .query_async(&mut connection)
            .await
            .unwrap();
        let field = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name));
            line.expect(name).trim().parse().unwrap()
        };
        Work {
            commands: field("total_commands_processed:"),
            bytes: field("total_net_output_bytes:"),
        }
    }

    /// Applies a file and returns the work that it took.
    async fn apply(&self, text: &str) -> Work {
        let config = Config::parse(text, "sender.toml".as_ref()).unwrap();
        let before = self.stats().await;
        apply(&config, &self.store, &NoHandshakes, Millis(1_000))
            .await
            .unwrap();
        let after = self.stats().await;
        Work {
            commands: after.commands - before.commands,
            bytes: after.bytes - before.bytes,
        }
    }
}

fn file(endpoints: usize) -> String {
    let endpoint = |number| {
        format!(
            "[[tenant.endpoint]]\nid = 'e{number}'\nurl = 'https://example.com/{number}'\n\
             events = ['*']\nsecret = 'a-secret-of-the-file-of-tenants'\n"
        )
    };
    let endpoints: String = (0..endpoints).map(endpoint).collect();
    format!("[[tenant]]\nid = 'acme'\n{endpoints}")
}

#[tokio::test]
async fn the_work_of_a_first_start_grows_with_the_endpoints_and_not_with_their_square() {
    let (few, many) = (World::new().await, World::new().await);
    let (few, many) = (few.apply(&file(50)).await, many.apply(&file(500)).await);
    // Ten times as many endpoints; twice that, for the part that does not depend on their number.
    assert!(many.commands <= 20 * few.commands, "{few:?} {many:?}");
    assert!(many.bytes <= 20 * few.bytes, "{few:?} {many:?}");
}

#[tokio::test]
async fn an_unchanged_file_costs_the_same_commands_however_many_endpoints_it_has() {
    let (few, many) = (World::new().await, World::new().await);
    few.apply(&file(50)).await;
    many.apply(&file(500)).await;
    let (few, many) = (few.apply(&file(50)).await, many.apply(&file(500)).await);
    assert!(many.commands <= few.commands + 2, "{few:?} {many:?}");
    assert!(many.bytes <= 20 * few.bytes, "{few:?} {many:?}");
}
