//! Outbox tables in the database of the store.
//!
//! An event names the row that it was read from ([`Source::row`](webhook_model::Source::row)), until it
//! is stored. The row is deleted in the transaction that keeps the event, so that it is kept exactly once.

use std::collections::HashMap;
use std::sync::OnceLock;

use postgres_link::Connector;
use tokio_postgres::Client;
use webhook_model::Event;

use super::open_error::OpenError;

/// A table in the store's database whose rows are events.
#[derive(Clone, Debug)]
pub struct OutboxTable {
    /// The name of the source that reads it.
    pub source: String,
    /// The name of the table with its schema, quoted as in SQL.
    pub table: String,
}

/// The outboxes of this database, by the names of their sources.
#[derive(Default)]
pub(super) struct Outboxes(HashMap<String, Outbox>);

/// The statements on one table.
pub(super) struct Outbox {
    /// Deletes the rows whose ids are in `$1`.
    pub remove: String,
    /// Plans a few events, and deletes the rows of those that are new. Made when it is used first.
    pub plan_once: OnceLock<String>,
    pub table: String,
}

/// The outbox that events were read from, and the row of each.
pub(super) struct Rows<'a> {
    pub outbox: &'a Outbox,
    pub ids: Vec<Option<i64>>,
}

impl Rows<'_> {
    /// Returns the ids of the rows of the events whose indices are selected.
    pub fn ids_where(&self, selected: impl Fn(usize) -> bool) -> Vec<i64> {
        let ids = self.ids.iter().enumerate();
        ids.filter_map(|(at, id)| id.filter(|_| selected(at)))
            .collect()
    }
}

const RIGHTS: &str = "SELECT
    has_table_privilege($1, 'SELECT') AND has_table_privilege($1, 'UPDATE')
        AND has_table_privilege($1, 'DELETE')";

impl Outboxes {
    /// Checks that the user of the store may delete from these tables.
    pub async fn check(connector: &Connector, tables: &[OutboxTable]) -> Result<Self, OpenError> {
        let mut outboxes = HashMap::with_capacity(tables.len());
        if tables.is_empty() {
            return Ok(Self(outboxes));
        }
        let (client, connection) = connector.connect().await?;
        // It ends when the client is dropped.
        tokio::spawn(connection);
        for OutboxTable { source, table } in tables {
            check_rights(&client, connector, table).await?;
            outboxes.insert(source.clone(), Outbox::new(table));
        }
        Ok(Self(outboxes))
    }

    /// Returns the rows of events that were read from an outbox in this database.
    pub fn rows<'a>(&self, events: impl Iterator<Item = &'a Event> + Clone) -> Option<Rows<'_>> {
        let mut sources = events.clone().map(|event| &event.source);
        let source = sources.find(|source| source.row().is_some())?;
        let outbox = self.0.get(source.as_str())?;
        let id = |event: &Event| event.source.row().filter(|_| event.source == *source);
        Some(Rows {
            outbox,
            ids: events.map(id).collect(),
        })
    }
}

impl Outbox {
    fn new(table: &str) -> Self {
        Self {
            remove: remove(table, "$1::bigint[]"),
            plan_once: OnceLock::new(),
            table: table.into(),
        }
    }
}

/// Returns the statement that deletes the rows with these ids, except those that others have locked.
pub(super) fn remove(table: &str, ids: &str) -> String {
    format!(
        "DELETE FROM {table} WHERE id = ANY(ARRAY(
            SELECT id FROM {table} WHERE id = ANY({ids}) FOR UPDATE SKIP LOCKED
        ))"
    )
}

async fn check_rights(
    client: &Client,
    connector: &Connector,
    table: &str,
) -> Result<(), OpenError> {
    let address = connector.address();
    let row = client.query_one(RIGHTS, &[&table]).await;
    let row = row.map_err(|error| OpenError::sql(address, &error))?;
    if row.get(0) {
        return Ok(());
    }
    let user = address.user();
    Err(OpenError::OutboxRights {
        address: Box::new(address.clone()),
        user: user.into(),
        table: table.into(),
        statement: format!("GRANT SELECT, UPDATE, DELETE ON {table} TO \"{user}\";"),
    })
}
