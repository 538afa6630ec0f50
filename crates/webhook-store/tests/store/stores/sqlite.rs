//! The SQLite store, in its own folder.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use webhook_store::Store;
use webhook_store::sqlite::SqliteStore;

use crate::world::{Home, World};

pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

#[async_trait]
impl Home for Folder {
    async fn open(&self) -> Arc<dyn Store> {
        let file = self.path().join("sender.db");
        Arc::new(SqliteStore::open(&file).unwrap())
    }
}

pub async fn world() -> World {
    World::new(Folder::new()).await
}
