//! The PostgreSQL store, in its own schema of a server that the tests of the program share.

use std::sync::Arc;

use async_trait::async_trait;
use test_support::postgres::shared_url;
use webhook_store::Store;
use webhook_store::postgres::{Address, PostgresStore};

use crate::world::{Home, World};

struct Schema(Address);

#[async_trait]
impl Home for Schema {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(PostgresStore::open(self.0.clone()).await.unwrap())
    }
}

pub async fn world() -> World {
    let address = Address::parse(&shared_url().await).unwrap();
    World::new(Schema(address)).await
}
