//! The Redis store, in its own `redis-server`, as a user with exactly the permissions that the
//! documentation names.

use std::sync::Arc;

use async_trait::async_trait;
use redis_link::Address;
use test_support::redis::{Fsync, RedisServer};
use webhook_store::Store;
use webhook_store::redis::RedisStore;

use crate::world::{Home, World};

struct Server(RedisServer);

#[async_trait]
impl Home for Server {
    async fn open(&self) -> Arc<dyn Store> {
        let url = self.0.url().replace("//", "//webhook-sender:PASSWORD@");
        Arc::new(RedisStore::new(Address::parse(&url).unwrap()))
    }
}

/// Returns the documented command that creates the store's user.
fn acl() -> Vec<String> {
    let docs = include_str!("../../../../../docs/OPERATIONS.md");
    let from = docs.find("ACL SETUSER webhook-sender ").unwrap();
    let command = docs[from..].split("```").next().unwrap();
    let words = command.split_whitespace().filter(|word| *word != "\\");
    words.map(str::to_owned).collect()
}

async fn permit(server: &RedisServer) {
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = redis::Cmd::new();
    for word in acl() {
        command.arg(word);
    }
    command.exec_async(&mut connection).await.unwrap();
}

pub async fn world() -> World {
    // A restart of a world is one of the sender, so the server's memory keeps the data.
    let server = RedisServer::start(Fsync::EverySecond).await;
    permit(&server).await;
    World::new(Server(server)).await
}
