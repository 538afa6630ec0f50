//! A pooled connection for the duration of a call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::Object;
use futures::future::join_all;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

use super::fault::{Fault, FaultResult};

/// The deadline of one round trip. The server ends a statement earlier: see `connect.rs`.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(15);

/// The parameters of a statement.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A statement with its parameters. Its text identifies the prepared statement.
#[derive(Clone, Copy)]
pub(super) struct Query<'a> {
    pub sql: &'a str,
    pub params: Params<'a>,
}

/// Returns a statement with its parameters.
pub(super) fn query<'a>(sql: &'a str, params: Params<'a>) -> Query<'a> {
    Query { sql, params }
}

/// A pooled connection. It returns to the pool when this is dropped, unless its state is unknown: in
/// a transaction, or after a deadline.
pub(super) struct Session {
    client: Option<Object>,
    /// True while the connection must not return to the pool.
    tainted: AtomicBool,
}

impl Session {
    pub fn new(client: Object) -> Self {
        Self {
            client: Some(client),
            tainted: AtomicBool::new(false),
        }
    }

    fn client(&self) -> FaultResult<&Object> {
        self.client.as_ref().ok_or(Fault::Timeout)
    }

    /// Runs one statement.
    pub async fn rows(&self, sql: &str, params: Params<'_>) -> FaultResult<Vec<Row>> {
        let mut rows = self.all(&[query(sql, params)]).await?;
        Ok(rows.pop().unwrap_or_default())
    }

    /// Runs statements in one round trip.
    pub async fn all(&self, queries: &[Query<'_>]) -> FaultResult<Vec<Vec<Row>>> {
        self.pipeline(None, queries, None).await
    }

    /// Begins a transaction and runs its first statements, in one round trip.
    pub async fn begin(&self, queries: &[Query<'_>]) -> FaultResult<Vec<Vec<Row>>> {
        self.taint(true);
        self.pipeline(Some("BEGIN"), queries, None).await
    }

    /// Runs the last statements of the transaction and commits it, in one round trip.
    pub async fn commit(&self, queries: &[Query<'_>]) -> FaultResult<Vec<Vec<Row>>> {
        let rows = self.pipeline(None, queries, Some("COMMIT")).await?;
        self.taint(false);
        Ok(rows)
    }

    /// Runs a transaction in one round trip. Each statement sees what was committed before it began.
    pub async fn transaction(&self, queries: &[Query<'_>]) -> FaultResult<Vec<Vec<Row>>> {
        self.taint(true);
        let rows = self
            .pipeline(Some("BEGIN"), queries, Some("COMMIT"))
            .await?;
        self.taint(false);
        Ok(rows)
    }

    /// Ends the transaction without an effect.
    pub async fn roll_back(&self) -> FaultResult<()> {
        self.pipeline(Some("ROLLBACK"), &[], None).await?;
        self.taint(false);
        Ok(())
    }

    /// Rolls back the transaction of a call that failed, so that the connection can be used again. If
    /// that fails too, the connection is closed.
    pub async fn abandon(self) {
        if self.tainted.load(Ordering::Relaxed) {
            let _ = self.roll_back().await;
        }
    }

    /// Closes the connection.
    pub fn close(self) {
        self.taint(true);
    }

    fn taint(&self, tainted: bool) {
        self.tainted.store(tainted, Ordering::Relaxed);
    }

    /// Sends everything at once. The server runs it in order.
    async fn pipeline(
        &self,
        first: Option<&str>,
        queries: &[Query<'_>],
        last: Option<&str>,
    ) -> FaultResult<Vec<Vec<Row>>> {
        let sent = async {
            let statements = self.prepare(queries).await?;
            self.send(first, queries, &statements, last).await
        };
        match timeout(RESPONSE_TIMEOUT, sent).await {
            Ok(rows) => rows,
            Err(_) => {
                self.taint(true);
                Err(Fault::Timeout)
            }
        }
    }

    async fn prepare(&self, queries: &[Query<'_>]) -> FaultResult<Vec<Statement>> {
        let client = self.client()?;
        let mut statements = Vec::with_capacity(queries.len());
        for query in queries {
            statements.push(client.prepare_cached(query.sql).await?);
        }
        Ok(statements)
    }

    async fn send(
        &self,
        first: Option<&str>,
        queries: &[Query<'_>],
        statements: &[Statement],
        last: Option<&str>,
    ) -> FaultResult<Vec<Vec<Row>>> {
        let client = self.client()?;
        let command = async |sql: Option<&str>| match sql {
            Some(sql) => client.batch_execute(sql).await,
            None => Ok(()),
        };
        let calls = statements.iter().zip(queries);
        let calls = calls.map(|(statement, query)| client.query(statement, query.params));
        // A future sends its message when it is polled first, and the futures are polled in order.
        let (begun, rows, ended) = futures::join!(command(first), join_all(calls), command(last));
        begun?;
        let rows = rows.into_iter().collect::<Result<_, _>>()?;
        ended?;
        Ok(rows)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(client) = self.client.take()
            && *self.tainted.get_mut()
        {
            // Closing the connection ends its transaction.
            drop(Object::take(client));
        }
    }
}
