//! The connection that reads and removes rows.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use postgres_link::{Address, Connector, Driver};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Error, Row, Statement};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::check::{Found, check};
use super::error::OutboxError;
use super::statements::{self, MAX_LAG};
use super::table::{READING, Table};

/// The deadline of a statement.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(15);

/// The longest wait for another reader to end.
const STAND_BY: Duration = Duration::from_millis(500);

/// Returns settings by which the server ends a connection whose process is frozen, or whose machine is
/// gone: its locks would keep other processes from reading.
pub(super) fn lease_settings(lease: Duration) -> String {
    let (millis, seconds) = (lease.as_millis(), lease.as_secs().max(3));
    format!(
        "SET idle_session_timeout = {millis}; SET tcp_keepalives_idle = {};
        SET tcp_keepalives_interval = {}; SET tcp_keepalives_count = 2;
        SET client_min_messages = error;",
        seconds / 3,
        seconds / 3
    )
}

/// Returns the interval at which a connection is used, so that the server does not end it.
pub(super) fn heartbeat(lease: Duration) -> Duration {
    lease / 4
}

/// Further settings. The statistics of a table that is mostly empty say nothing about a backlog: rows are
/// always found by the index.
const SETTINGS: &str = "SET search_path = pg_catalog; SET statement_timeout = '10s';
    SET lock_timeout = '8s'; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;
    SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off;";

/// A connection to the database of an outbox.
pub(super) struct Link {
    client: Arc<Client>,
    address: Address,
    /// Cancelled when the connection is lost.
    pub lost: CancellationToken,
    pub table: Found,
    read: Statement,
    remove: Statement,
    table_name: String,
    _tasks: [AbortOnDropHandle<()>; 2],
}

/// The bounds of one read.
pub(super) struct Bounds {
    pub rows: usize,
    pub bytes: usize,
    /// The most bytes of the data of a row that are read.
    pub data_bytes: usize,
}

impl Link {
    /// Connects, checks the table, and listens: `woken` is notified when rows were committed.
    pub async fn open(
        connector: &Connector,
        table: &Table,
        woken: Arc<Notify>,
        lease: Duration,
    ) -> Result<Self, OutboxError> {
        let address = connector.address().clone();
        let (client, connection) = connector.connect().await?;
        let (client, lost) = (Arc::new(client), CancellationToken::new());
        let driver = tokio::spawn(drive(connection, woken, lost.clone()));
        let driver = AbortOnDropHandle::new(driver);
        let prepared = within(&address, prepare(&client, &address, table, lease)).await?;
        let (found, read, remove) = prepared?;
        let alive = tokio::spawn(keep_alive(client.clone(), found.oid, lease, lost.clone()));
        Ok(Self {
            client,
            address,
            lost,
            table: found,
            read,
            remove,
            table_name: table.to_string(),
            _tasks: [driver, AbortOnDropHandle::new(alive)],
        })
    }

    /// Takes the lock of the reader. Waits a moment for another reader; returns `false` if there is one
    /// still.
    pub async fn take_reading(&self) -> Result<bool, OutboxError> {
        let (wait, table) = (STAND_BY.as_millis(), self.table.oid.cast_signed());
        // One transaction: the setting is restored if the lock is not available.
        let sql = format!(
            "SET lock_timeout = {wait}; SELECT pg_advisory_lock({READING}, {table});
            SET lock_timeout = '8s'"
        );
        match within(&self.address, self.client.batch_execute(&sql)).await? {
            Ok(()) => Ok(true),
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(false),
            Err(error) => Err(OutboxError::sql(&self.address, &error)),
        }
    }

    /// Releases the lock of the reader.
    pub async fn stop_reading(&self) -> Result<(), OutboxError> {
        self.execute("SELECT pg_advisory_unlock_all()").await
    }

    /// Reads the first rows within gaps of ids, in the order of their ids.
    pub async fn read(
        &self,
        (low, high): (Vec<i64>, Vec<i64>),
        bounds: &Bounds,
    ) -> Result<Vec<Row>, OutboxError> {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let (rows, bytes) = (number(bounds.rows), number(bounds.bytes));
        let data = i32::try_from(bounds.data_bytes).unwrap_or(i32::MAX);
        self.within(
            self.client
                .query(&self.read, &[&low, &high, &rows, &data, &bytes]),
        )
        .await
    }

    /// Removes rows. Returns those that are left because another transaction has locked them.
    pub async fn remove(&self, ids: &[i64]) -> Result<Vec<i64>, OutboxError> {
        let left = self
            .within(self.client.query(&self.remove, &[&ids]))
            .await?;
        Ok(left.iter().map(|row| row.get(0)).collect())
    }

    /// Returns the greatest id of a row.
    pub async fn last_id(&self) -> Result<Option<i64>, OutboxError> {
        let sql = statements::last_id(&self.table_name);
        let row = self.within(self.client.query_one(&sql, &[])).await?;
        Ok(row.get(0))
    }

    /// Returns the number of rows, up to [`MAX_LAG`].
    pub async fn count(&self) -> Result<u64, OutboxError> {
        let sql = statements::count(&self.table_name);
        let row = self.within(self.client.query_one(&sql, &[])).await?;
        Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(MAX_LAG))
    }

    pub async fn ping(&self) -> Result<(), OutboxError> {
        self.execute("SELECT 1").await
    }

    pub fn failed(&self, detail: &str) -> OutboxError {
        OutboxError::failed(&self.address, detail.into())
    }

    async fn execute(&self, sql: &str) -> Result<(), OutboxError> {
        self.within(self.client.batch_execute(sql)).await
    }

    async fn within<T>(
        &self,
        reply: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, OutboxError> {
        let reply = match within(&self.address, reply).await {
            Ok(reply) => reply.map_err(|error| OutboxError::sql(&self.address, &error)),
            Err(error) => Err(error),
        };
        if reply.is_err() {
            // The table may be another one now: the next connection checks it.
            self.lost.cancel();
        }
        reply
    }
}

/// Sets up a session: checks the table, listens, and prepares the statements.
async fn prepare(
    client: &Client,
    address: &Address,
    table: &Table,
    lease: Duration,
) -> Result<(Found, Statement, Statement), OutboxError> {
    let failed = |error: Error| OutboxError::sql(address, &error);
    let found = check(client, address, table).await?;
    let oid = found.oid;
    let lease = lease_settings(lease);
    let settings = format!("{lease} {SETTINGS} LISTEN webhook_outbox_{oid};");
    client.batch_execute(&settings).await.map_err(failed)?;
    let table = table.to_string();
    let read = client.prepare(&statements::read(&table)).await;
    let remove = client.prepare(&statements::remove(&table)).await;
    Ok((found, read.map_err(failed)?, remove.map_err(failed)?))
}

/// Runs a connection, and passes its notifications on.
async fn drive(mut connection: Driver, woken: Arc<Notify>, lost: CancellationToken) {
    let _lost = lost.drop_guard();
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    while let Some(Ok(message)) = messages.next().await {
        if matches!(message, AsyncMessage::Notification(_)) {
            woken.notify_one();
        }
    }
}

/// Uses a connection at intervals, and gives it up if the server does not respond, or if the table was
/// dropped: the channel and the locks are those of a table by its number.
async fn keep_alive(client: Arc<Client>, table: u32, lease: Duration, lost: CancellationToken) {
    let _lost = lost.drop_guard();
    let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = $1)";
    loop {
        tokio::time::sleep(heartbeat(lease)).await;
        let params: [&(dyn ToSql + Sync); 1] = [&table];
        let exists = timeout(RESPONSE_TIMEOUT, client.query_one(sql, &params)).await;
        let exists = matches!(exists, Ok(Ok(row)) if row.get(0));
        if !exists {
            return;
        }
    }
}

/// Waits for the server, which may be frozen.
async fn within<T>(address: &Address, reply: impl Future<Output = T>) -> Result<T, OutboxError> {
    let silent = || format!("the server has not responded within {RESPONSE_TIMEOUT:?}");
    let reply = timeout(RESPONSE_TIMEOUT, reply).await;
    reply.map_err(|_| OutboxError::failed(address, silent()))
}
