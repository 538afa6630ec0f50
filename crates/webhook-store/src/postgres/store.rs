//! The store: the state and functions that its operations share. Each operation has a file.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::Pool;
use postgres_link::{Address, Connector};
use tokio::sync::Notify;

use super::connect::{pool, session};
use super::fault::{Fault, FaultResult};
use super::migrate;
use super::open_error::OpenError;
use super::outbox::{OutboxTable, Outboxes};
use super::prune_cursor::PruneCursor;
use super::session::Session;
use super::wake::Listener;
use crate::in_flight::InFlightTracker;
use crate::unwritten::UnwrittenCounts;
use crate::{Result, StoreError};

/// The maximum number of deliveries in one statement of a long operation, so that others do not wait
/// for its locks.
pub(super) const AT_A_TIME: i64 = 500;

/// The number of times that a call is repeated after a deadlock.
const RETRIES: u32 = 10;

/// The longest pause before such a repetition.
const LONGEST_PAUSE_MS: u64 = 50;

/// A store in one PostgreSQL database, which any number of processes share.
pub struct PostgresStore {
    pool: Pool,
    connector: Connector,
    name: String,
    pub(super) in_flight: InFlightTracker,
    pub(super) unwritten: UnwrittenCounts,
    /// True if deliveries may be in flight under owners without a lease.
    pub(super) orphans: AtomicBool,
    /// True after a call that found the disk full, until there is room.
    pub(super) full: AtomicBool,
    pub(super) prune_cursor: Mutex<PruneCursor>,
    /// Notified when another process has made a delivery due, or a claim was returned.
    pub(super) wakes: Arc<Notify>,
    pub(super) listener: Listener,
    pub(super) outboxes: Outboxes,
}

impl PostgresStore {
    /// Opens the store at `address`, and migrates its schema. Lost connections are restored
    /// automatically.
    ///
    /// # Errors
    ///
    /// An [`OpenError`] that names the address and what to do.
    pub async fn open(address: Address) -> std::result::Result<Self, OpenError> {
        let connector = Connector::new(address)?;
        migrate::run(&connector).await?;
        let wakes = Arc::new(Notify::new());
        Ok(Self {
            pool: pool(&connector)?,
            name: connector.address().to_string(),
            in_flight: InFlightTracker::default(),
            unwritten: UnwrittenCounts::default(),
            orphans: AtomicBool::new(false),
            full: AtomicBool::new(false),
            prune_cursor: Mutex::default(),
            listener: Listener::start(connector.clone(), wakes.clone()),
            connector,
            wakes,
            outboxes: Outboxes::default(),
        })
    }

    /// Deletes rows of these tables in the transactions that keep their events.
    ///
    /// # Errors
    ///
    /// An [`OpenError`] if a table is missing here, or the user may not delete from it.
    pub async fn remove_from(
        &mut self,
        tables: &[OutboxTable],
    ) -> std::result::Result<(), OpenError> {
        self.outboxes = Outboxes::check(&self.connector, tables).await?;
        Ok(())
    }

    /// Returns a connection of the pool.
    pub(super) async fn session(&self) -> FaultResult<Session> {
        session(&self.pool).await
    }

    /// Returns the error of a call that failed.
    pub(super) fn failed(&self, fault: Fault) -> StoreError {
        if fault.is_full() {
            self.full.store(true, Ordering::Relaxed);
        }
        fault.of(&self.name)
    }

    /// Ends a try of a call. Returns `None` if the call is to be repeated, after a pause.
    pub(super) async fn settle<T>(
        &self,
        session: Session,
        outcome: FaultResult<T>,
        tries: &mut u32,
    ) -> Option<Result<T>> {
        let fault = match outcome {
            Ok(value) => return Some(Ok(value)),
            Err(fault) => fault,
        };
        if fault.is_read_only() {
            // Another host of the address may accept writes.
            session.close();
        } else if fault.is_of_server() {
            session.abandon().await;
        }
        if !fault.is_transient() || *tries >= RETRIES {
            return Some(Err(self.failed(fault)));
        }
        *tries += 1;
        let pause = rand::random_range(1..=LONGEST_PAUSE_MS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        None
    }
}

/// Runs `$work` on a connection, and again after a deadlock with another transaction, which leaves no
/// effect. `$work` is an expression of type `FaultResult` that may use `?`.
macro_rules! call {
    ($store:expr, $session:ident => $work:expr) => {{
        let mut tries = 0;
        loop {
            let $session = match $store.session().await {
                Ok(session) => session,
                Err(fault) => break Err($store.failed(fault)),
            };
            let outcome = async { $work }.await;
            if let Some(done) = $store.settle($session, outcome, &mut tries).await {
                break done;
            }
        }
    }};
}
pub(super) use call;
