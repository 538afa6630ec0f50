//! A table of PostgreSQL as the queue of a scenario.

use std::net::SocketAddr;

use event_sources::Bounds;
use event_sources::postgres_outbox::{Outbox, Settings, Table};
use postgres_link::{Address, Connector};
use serde_json::value::RawValue;
use tokio_postgres::{Client, NoTls};
use webhook_model::Clock;

use crate::contract::entry::Entry;
use crate::contract::queue::Queue;

/// The longest name of a table.
const MAX_NAME: usize = 63;

/// Returns the URL of the database of a server.
pub fn url(address: SocketAddr) -> String {
    format!("postgres://postgres@{address}/postgres")
}

/// Connects as an application does.
pub async fn client(address: SocketAddr) -> Client {
    let (client, connection) = tokio_postgres::connect(&url(address), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Returns the table of a queue.
pub fn table(queue: &str) -> Table {
    let from = queue.len().saturating_sub(MAX_NAME);
    Table::new(Table::SCHEMA, &queue[from..]).unwrap()
}

/// Creates the table.
pub async fn declare(queue: &Queue) {
    let ddl = table(&queue.name).ddl();
    client(queue.address)
        .await
        .batch_execute(&ddl)
        .await
        .unwrap();
}

/// Inserts rows in one transaction. The database takes no data that is not JSON: such an entry has a type
/// that is invalid instead.
pub async fn publish(queue: &Queue, entries: &[Entry<'_>]) {
    let (mut tenants, mut kinds, mut data) = (Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        let is_json = serde_json::from_slice::<&RawValue>(entry.data).is_ok();
        tenants.push(entry.tenant);
        kinds.push(if is_json { "a.b" } else { "a..b" });
        let text = if is_json { entry.data } else { b"null" };
        data.push(std::str::from_utf8(text).unwrap());
    }
    let table = table(&queue.name);
    let sql = format!(
        "INSERT INTO {table} (tenant, type, data) SELECT n.tenant, n.kind, n.data::json
        FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY n (tenant, kind, data, number)
        ORDER BY n.number"
    );
    let client = client(queue.address).await;
    client
        .execute(&sql, &[&tenants, &kinds, &data])
        .await
        .unwrap();
}

/// Returns a source that reads the table.
pub fn source(url: &str, queue: &str, name: &str, bounds: Bounds) -> Outbox {
    let connector = Connector::new(Address::parse(url).unwrap()).unwrap();
    let settings = Settings {
        bounds,
        ..Settings::new(name, connector, table(queue))
    };
    Outbox::new(settings, Clock::system())
}
