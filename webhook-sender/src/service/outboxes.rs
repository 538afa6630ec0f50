//! Checks the outboxes at the start, and finds those in the database of the store.

use anyhow::{Context, Result};
use event_sources::postgres_outbox::{self, Table};
use postgres_link::{Address, Connector, are_one_database};
use webhook_store::postgres::OutboxTable;

use crate::config::{Config, SourceKind};

/// An outbox that can be read.
struct CheckedOutbox<'a> {
    source: &'a str,
    connector: Connector,
    table: &'a Table,
}

/// Checks every outbox. Returns those in the database of the store at `store`.
///
/// # Errors
///
/// Fails if the configuration or the database of an outbox must be changed. An outbox that is out of reach
/// is no error: its source connects later. It counts as one in another database then.
pub async fn check(config: &Config, store: Option<&Address>) -> Result<Vec<OutboxTable>> {
    let mut shared = Vec::new();
    for source in &config.sources {
        let SourceKind::Postgres { table } = &source.kind else {
            continue;
        };
        let checked = check_one(&source.name, source.url.reveal(), table).await;
        let found = checked.with_context(|| format!("source `{}`", source.name))?;
        if let (Some(found), Some(store)) = (found, store)
            && found.is_in(store).await
        {
            shared.push(OutboxTable {
                source: found.source.into(),
                table: found.table.to_string(),
            });
        }
    }
    Ok(shared)
}

async fn check_one<'a>(
    source: &'a str,
    url: &str,
    table: &'a Table,
) -> Result<Option<CheckedOutbox<'a>>> {
    let connector = Connector::new(Address::parse(url)?)?;
    match postgres_outbox::check(&connector, table).await {
        Ok(()) => Ok(Some(CheckedOutbox {
            source,
            connector,
            table,
        })),
        Err(error) if error.may_pass() => {
            tracing::warn!(source, %error, "the outbox cannot be checked now");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

impl CheckedOutbox<'_> {
    /// Returns whether the store at `store` is in the same database.
    async fn is_in(&self, store: &Address) -> bool {
        let source = self.source;
        let same = async {
            let store = Connector::new(store.clone())?;
            are_one_database(&store, &self.connector).await
        };
        match same.await {
            Ok(true) => {
                tracing::info!(source, "the outbox is in the database of the store");
                true
            }
            Ok(false) => false,
            Err(error) => {
                tracing::warn!(source, %error, "the database of the outbox cannot be compared");
                false
            }
        }
    }
}
