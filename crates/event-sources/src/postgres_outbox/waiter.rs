//! The lock by which writers see that a reader waits.
//!
//! A transaction that inserts rows shares the lock until it ends. If that fails, because a reader holds the
//! lock or waits for it, the transaction notifies. A reader that waits for the lock gets it when every
//! transaction that did not notify has ended: then it reads once more. So no row is missed, and while the
//! reader is busy nothing is notified.

use std::sync::Arc;
use std::time::Duration;

use postgres_link::{Connector, describe};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::link::{heartbeat, lease_settings};
use super::table::WAITING;

/// The longest wait for the lock in one statement. A server does not notice a client that has gone while
/// it waits for a lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

const ENDED: &str = "the session has ended";

/// The deadline of a statement.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(15);

/// The task that takes and releases the lock, on a connection of its own: the notifications of a
/// connection that waits for a lock are delayed.
pub(super) struct Waiter {
    /// True while the reader waits for rows. Written by the reader, waited for by the task.
    wanted: watch::Sender<bool>,
    _task: AbortOnDropHandle<()>,
}

impl Waiter {
    /// Starts the task. It connects when the lock is wanted, notifies `woken` when it has the lock, and
    /// cancels `lost` if it fails.
    pub fn start(
        connector: Connector,
        table: u32,
        woken: Arc<Notify>,
        lost: CancellationToken,
        lease: Duration,
    ) -> Self {
        let (wanted, wants) = watch::channel(false);
        let task = async move {
            let failed = run(&connector, table.cast_signed(), &woken, wants, lease).await;
            tracing::debug!(reason = %failed, "the lock of a waiting reader is lost");
            lost.cancel();
        };
        Self {
            wanted,
            _task: AbortOnDropHandle::new(tokio::spawn(task)),
        }
    }

    /// Makes writers notify, or not.
    pub fn want(&self, wanted: bool) {
        self.wanted.send_if_modified(|was| {
            let changed = *was != wanted;
            *was = wanted;
            changed
        });
    }
}

/// Takes and releases the lock as it is wanted. Returns the reason why it cannot.
async fn run(
    connector: &Connector,
    table: i32,
    woken: &Notify,
    mut wants: watch::Receiver<bool>,
    lease: Duration,
) -> String {
    if !becomes(&mut wants, true).await {
        return ENDED.into();
    }
    let (client, connection) = match connector.connect().await {
        Ok(connected) => connected,
        Err(error) => return error.to_string(),
    };
    let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
    let (alive, millis) = (lease_settings(lease), LOCK_TIMEOUT.as_millis());
    let settings = format!("{alive} SET statement_timeout = 0; SET lock_timeout = {millis};");
    if let Err(reason) = execute(&client, &settings).await {
        return reason.to_string();
    }
    let lock = format!("SELECT pg_advisory_lock({WAITING}, {table})");
    let unlock = format!("SELECT pg_advisory_unlock({WAITING}, {table})");
    loop {
        if !becomes(&mut wants, true).await {
            return ENDED.into();
        }
        match execute(&client, &lock).await {
            Ok(()) => woken.notify_one(),
            Err(Failure::LockTimeout) => continue,
            Err(failure) => return failure.to_string(),
        }
        loop {
            match timeout(heartbeat(lease), becomes(&mut wants, false)).await {
                Ok(true) => break,
                Ok(false) => return ENDED.into(),
                Err(_) => {
                    if let Err(failure) = execute(&client, "SELECT 1").await {
                        return failure.to_string();
                    }
                }
            }
        }
        if let Err(failure) = execute(&client, &unlock).await {
            return failure.to_string();
        }
    }
}

/// Waits until the lock is wanted or not. Returns `false` if the session has ended.
async fn becomes(wants: &mut watch::Receiver<bool>, wanted: bool) -> bool {
    wants.wait_for(|now| *now == wanted).await.is_ok()
}

/// The reason why a statement failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the lock is not available")]
    LockTimeout,
    #[error("the server did not respond in time")]
    Silent,
    #[error("{0}")]
    Other(String),
}

async fn execute(client: &Client, sql: &str) -> Result<(), Failure> {
    let executed: Result<(), Error> =
        match timeout(RESPONSE_TIMEOUT, client.batch_execute(sql)).await {
            Ok(executed) => executed,
            Err(_) => return Err(Failure::Silent),
        };
    executed.map_err(|error| {
        if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
            Failure::LockTimeout
        } else {
            Failure::Other(describe(&error))
        }
    })
}
