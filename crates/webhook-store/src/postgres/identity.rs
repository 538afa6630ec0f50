//! The identity of the content, which reveals its loss.

use std::sync::atomic::Ordering;

use super::PostgresStore;
use super::row::column;
use super::session::query;
use super::store::call;
use crate::Result;

const GET: &str = "SELECT identity FROM content";
const SET: &str = "UPDATE content SET identity = $1 WHERE identity IS NULL";
const REMOVE: &str = "UPDATE content SET identity = NULL WHERE identity = $1";

/// Writes a row, and changes nothing.
const PING: &str = "UPDATE content SET one = true";

/// Writes a temporary file of half a mebibyte. An update of one row succeeds on a full disk, where
/// nothing can grow.
const SPILL: &str = "WITH rows AS MATERIALIZED (
        SELECT g, repeat('x', 100) FROM generate_series(1, 5000) g
    )
    SELECT count(*) FROM rows";

/// Makes [`SPILL`] use a file, until the end of the transaction.
const LITTLE_MEMORY: &str = "SELECT set_config('work_mem', '64kB', true)";

impl PostgresStore {
    pub(super) async fn content_identity(&self) -> Result<Option<String>> {
        let rows = call!(self, session => session.rows(GET, &[]).await)?;
        let identity = rows.first().map_or(Ok(None), |row| column(row, 0));
        identity.map_err(|fault| self.failed(fault))
    }

    pub(super) async fn identify_content(&self) -> Result<()> {
        let identity = hex::encode(rand::random::<[u8; 8]>());
        call!(self, session => session.rows(SET, &[&identity]).await)?;
        Ok(())
    }

    pub(super) async fn disown_content(&self, identity: &str) -> Result<()> {
        call!(self, session => session.rows(REMOVE, &[&identity]).await)?;
        Ok(())
    }

    pub(super) async fn write_ping(&self) -> Result<()> {
        if self.full.load(Ordering::Relaxed) {
            let spill = [query(LITTLE_MEMORY, &[]), query(SPILL, &[])];
            call!(self, session => session.transaction(&spill).await)?;
            self.full.store(false, Ordering::Relaxed);
        }
        call!(self, session => session.rows(PING, &[]).await)?;
        Ok(())
    }
}
