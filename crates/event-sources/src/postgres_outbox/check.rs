//! Checks that a table is an outbox that this user may read.

use postgres_link::{Address, ConnectError};
use tokio_postgres::{Client, Error};

use super::error::OutboxError;
use super::table::{TRIGGER, Table};

/// The columns, the types that each may have, and the type to name if it has another one.
const COLUMNS: [(&str, &[&str], &str); 7] = [
    ("id", &["bigint", "integer"], "bigint"),
    ("tenant", TEXT, "text"),
    ("type", TEXT, "text"),
    ("data", &["json"], "json"),
    ("event_id", TEXT, "text"),
    ("ordering_key", TEXT, "text"),
    ("created_at", &["timestamp with time zone"], "timestamptz"),
];

const TEXT: &[&str] = &["text", "character varying"];

const SERVER: &str = "SELECT current_setting('server_version_num')::int,
    current_setting('server_version'), pg_is_in_recovery()";

const TABLE: &str = "SELECT c.oid, has_schema_privilege(n.oid, 'USAGE')
        AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'UPDATE')
        AND has_table_privilege(c.oid, 'DELETE'),
    EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = $3 AND t.tgenabled <> 'D')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')";

const FOUND_COLUMNS: &str = "SELECT attname::text, format_type(atttypid, NULL)
    FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped";

/// Rows are removed by their ids.
const UNIQUE: &str = "SELECT EXISTS (
        SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = $1 AND i.indisunique AND i.indnkeyatts = 1 AND i.indpred IS NULL
            AND a.attname = 'id'
    )";

/// A table that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub oid: u32,
    /// True if a trigger wakes waiting readers.
    pub notifies: bool,
}

/// Checks the server and the table.
pub(super) async fn check(
    client: &Client,
    address: &Address,
    table: &Table,
) -> Result<Found, OutboxError> {
    let failed = |error: Error| OutboxError::sql(address, &error);
    let server = client.query_one(SERVER, &[]).await.map_err(failed)?;
    ConnectError::check_release(address, server.get(0), server.get(1))?;
    if server.get(2) {
        let address = Box::new(address.clone());
        return Err(OutboxError::Standby { address });
    }
    let (schema, name) = (table.schema(), table.name());
    let found = client.query_opt(TABLE, &[&schema, &name, &TRIGGER]).await;
    let Some(row) = found.map_err(failed)? else {
        return Err(OutboxError::NoTable {
            address: Box::new(address.clone()),
            table: table.to_string(),
            command: table.ddl_command(),
        });
    };
    let found = Found {
        oid: row.get(0),
        notifies: row.get(2),
    };
    let faults = faults(client, found.oid).await.map_err(failed)?;
    if !faults.is_empty() {
        return Err(OutboxError::Columns {
            address: Box::new(address.clone()),
            table: table.to_string(),
            faults: faults.join(", "),
            command: table.ddl_command(),
        });
    }
    if !row.get::<_, bool>(1) {
        return Err(rights(address, table));
    }
    Ok(found)
}

/// Returns what is wrong with the columns of a table.
async fn faults(client: &Client, oid: u32) -> Result<Vec<String>, Error> {
    let rows = client.query(FOUND_COLUMNS, &[&oid]).await?;
    let found: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let mut faults = Vec::new();
    for (name, types, needed) in COLUMNS {
        match found.iter().find(|(found, _)| found == name) {
            None => faults.push(format!("it has no column `{name}` of type {needed}")),
            Some((_, kind)) if !types.contains(&kind.as_str()) => {
                faults.push(format!("its column `{name}` is {kind} and not {needed}"));
            }
            Some(_) => {}
        }
    }
    if faults.is_empty() && !client.query_one(UNIQUE, &[&oid]).await?.get::<_, bool>(0) {
        faults.push("its column `id` is not a primary key".into());
    }
    Ok(faults)
}

fn rights(address: &Address, table: &Table) -> OutboxError {
    let user = address.user();
    let schema = table.schema().replace('"', "\"\"");
    let statement = format!(
        "GRANT USAGE ON SCHEMA \"{schema}\" TO \"{user}\"; \
         GRANT SELECT, UPDATE, DELETE ON {table} TO \"{user}\";"
    );
    OutboxError::Rights {
        address: Box::new(address.clone()),
        user: user.into(),
        table: table.to_string(),
        statement,
    }
}
