//! The Redis store, in a `redis-server` of its own.

use std::sync::Arc;

use async_trait::async_trait;
use test_support::redis::{Fsync, RedisServer};
use webhook_sender::store::Store;
use webhook_sender::store::redis::{Address, RedisStore};

use crate::world::{Home, World};

struct Server(RedisServer);

#[async_trait]
impl Home for Server {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(RedisStore::new(Address::parse(&self.0.url()).unwrap()))
    }
}

pub async fn world() -> World {
    // A restart of a world is one of the sender: what it was answered is in the server's memory.
    World::new(Server(RedisServer::start(Fsync::EverySecond).await)).await
}
