//! Finds out whether two addresses lead to one database.
//!
//! Names prove nothing: a server has several, and one name may lead to several servers. Nor does the
//! identifier of a server: a copy of its files, such as a standby that was promoted, has the same one. An
//! advisory lock is seen in its own database of its own server only.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, Error};

use super::connector::Connector;
use super::error::{ConnectError, describe};

/// The deadline of a statement.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The first half of the keys of the locks: differs from those of other locks.
const CLASS: i32 = 0x7768_6462;

const IS_LOCKED: &str = "SELECT EXISTS (
        SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE l.locktype = 'advisory' AND d.datname = current_database()
            AND l.classid = $1::int8::oid AND l.objid = $2::int8::oid AND l.objsubid = 2
    )";

/// Returns whether both connect to one database of one server.
///
/// # Errors
///
/// The [`ConnectError`] of the one that fails.
pub async fn are_one_database(one: &Connector, other: &Connector) -> Result<bool, ConnectError> {
    let (first, connection) = one.connect().await?;
    // Each ends when its client is dropped, and with it its lock.
    tokio::spawn(connection);
    let (second, connection) = other.connect().await?;
    tokio::spawn(connection);
    let key: i32 = rand::random_range(0..i32::MAX);
    within(one, lock(&first, key)).await?;
    within(other, is_locked(&second, key)).await
}

async fn lock(client: &Client, key: i32) -> Result<(), Error> {
    let sql = "SELECT pg_advisory_lock($1, $2)";
    client.query_one(sql, &[&CLASS, &key]).await.map(drop)
}

async fn is_locked(client: &Client, key: i32) -> Result<bool, Error> {
    let (class, key) = (i64::from(CLASS), i64::from(key));
    let row = client.query_one(IS_LOCKED, &[&class, &key]).await?;
    row.try_get(0)
}

async fn within<T>(
    connector: &Connector,
    reply: impl Future<Output = Result<T, Error>>,
) -> Result<T, ConnectError> {
    let detail = match timeout(RESPONSE_TIMEOUT, reply).await {
        Ok(Ok(reply)) => return Ok(reply),
        Ok(Err(error)) => describe(&error),
        Err(_) => "the server did not respond in time".into(),
    };
    let address = Box::new(connector.address().clone());
    Err(ConnectError::Other { address, detail })
}
