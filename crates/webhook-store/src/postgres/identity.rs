//! The identity of the content, which reveals its loss.

use super::PostgresStore;
use super::row::column;
use super::store::call;
use crate::Result;

const GET: &str = "SELECT identity FROM content";
const SET: &str = "UPDATE content SET identity = $1 WHERE identity IS NULL";
const REMOVE: &str = "UPDATE content SET identity = NULL WHERE identity = $1";

/// Writes a row, and changes nothing.
const PING: &str = "UPDATE content SET one = true";

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
        call!(self, session => session.rows(PING, &[]).await)?;
        Ok(())
    }
}
