//! A table of PostgreSQL as a source: an outbox, into which applications insert rows in their own
//! transactions.
//!
//! # Guarantees
//!
//! - A row that is committed becomes an event, whenever it is committed: rows are removed when their events
//!   are durable, and no position is kept. A row that is rolled back is never seen.
//! - A row is the same event whenever it is read: its id derives from the name of the source, the id of the
//!   row and the time at which it was created.
//! - One process reads a table at a time, in the order of the ids of the rows that are committed by then.
//!   If a transaction was committed before another one inserted, its rows come first.
//! - A row that another transaction has locked delays nothing: it is read, and removed later.
//!
//! # Locks
//!
//! The reader of a table holds an advisory lock on its connection; another process waits for it. While the
//! reader waits for rows, it also holds the lock of `waiter.rs`. A connection whose process is frozen, or
//! whose machine is gone, is ended by the server after some seconds.

mod check;
mod error;
mod link;
mod pace;
mod rows;
mod settings;
mod statements;
mod table;
mod waiter;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use postgres_link::Connector;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_postgres::Row;
use webhook_model::Clock;

use self::link::Link;
use self::pace::Pace;
use self::rows::Rows;
use self::waiter::Waiter;
use super::SourceEntry;
use super::entry::{Context, Entry};
use super::origin::Origin;
use super::source::{Connected, Read, Room, Source, SourceError, SourceInfo};

pub use self::error::OutboxError;
pub use self::settings::Settings;
pub use self::table::{NameError, Table};

/// The longest wait for rows.
const WAIT: Duration = Duration::from_millis(500);

/// The interval at which a table is read that no notification came for.
const POLL: Duration = Duration::from_secs(5);

/// The most rows that are durable and cannot be removed.
const MAX_LOCKED: usize = 4096;

/// The table of an outbox.
pub struct Outbox {
    settings: Settings,
    info: SourceInfo,
    clock: Clock,
    /// Notified when rows may have been committed.
    woken: Arc<Notify>,
    /// The connection, which outlasts sessions. Locked while connecting.
    link: tokio::sync::Mutex<Option<Arc<Link>>>,
    /// True if another process may have read since this one did.
    overtaken: AtomicBool,
    /// The session of reading. Locked by `next` while it waits.
    session: tokio::sync::Mutex<Option<Session>>,
    /// The connection of the session, for `acknowledge`.
    current: Mutex<Option<Arc<Link>>>,
    /// The rows of the session. Locked for a moment only.
    rows: Mutex<Rows>,
}

/// A session of reading.
struct Session {
    link: Arc<Link>,
    waiter: Waiter,
    /// Rows up to this one may have been read by a process that ended because of them.
    suspect: Option<i64>,
    pace: Pace,
    /// The time at which no row was found, unless one may have been committed since.
    idle_since: Option<Instant>,
}

/// Checks that a table can be read as an outbox.
///
/// # Errors
///
/// An [`OutboxError`] that says what to do.
pub async fn check(connector: &Connector, table: &Table) -> Result<(), OutboxError> {
    let link = Link::open(connector, table, Arc::default(), settings::LEASE);
    link.await.map(drop)
}

impl Outbox {
    /// Creates a source. It connects when an intake runs.
    pub fn new(settings: Settings, clock: Clock) -> Self {
        Self {
            info: SourceInfo::new(
                &settings.name,
                settings.connector.address(),
                settings.bounds,
            ),
            settings,
            clock,
            woken: Arc::default(),
            link: tokio::sync::Mutex::default(),
            overtaken: AtomicBool::new(true),
            session: tokio::sync::Mutex::default(),
            current: Mutex::default(),
            rows: Mutex::default(),
        }
    }

    /// Returns the connection, after connecting if there is none.
    async fn link(&self) -> Result<Arc<Link>, OutboxError> {
        let mut known = self.link.lock().await;
        if let Some(link) = &*known
            && !link.lost.is_cancelled()
        {
            return Ok(link.clone());
        }
        *known = None;
        let Settings {
            connector,
            table,
            lease,
            ..
        } = &self.settings;
        let link = Link::open(connector, table, self.woken.clone(), *lease).await?;
        let link = Arc::new(link);
        self.overtaken.store(true, Ordering::Relaxed);
        if !link.table.notifies {
            let command = table.ddl_command();
            tracing::warn!(%table, command, "the outbox has no trigger: its rows are read every 5 s");
        }
        *known = Some(link.clone());
        Ok(link)
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_current(&self, link: Option<Arc<Link>>) -> Option<Arc<Link>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut current, link)
    }

    async fn read(&self, session: &Session, room: Room) -> Result<Vec<SourceEntry>, OutboxError> {
        let bounds = link::Bounds {
            rows: room.entries,
            bytes: room.bytes,
            // One byte more shows that they are too many.
            data_bytes: self.info.bounds.max_data_bytes.saturating_add(1),
        };
        let gaps = self.rows().gaps();
        let read = session.link.read(gaps, &bounds).await?;
        let mut entries = Vec::with_capacity(read.len());
        for row in read {
            let id: i64 = row.get(0);
            self.rows().take(id);
            entries.push(self.entry(&row, id, session.suspect));
        }
        Ok(entries)
    }

    fn entry(&self, row: &Row, id: i64, suspect: Option<i64>) -> SourceEntry {
        let text = |at| row.get::<_, Option<&str>>(at);
        let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        // A table that was not made by our statements may have rows without.
        let data = row.get::<_, Option<&[u8]>>(7).map(Bytes::copy_from_slice);
        let whole: Option<i32> = row.get(6);
        // The id may repeat in a table that is emptied or created again.
        let created = text(5).unwrap_or_default();
        let digits: String = created.chars().filter(char::is_ascii_digit).collect();
        let derived = Origin::new(&self.settings.name, &digits).derived_id(&id.to_string());
        let texts = [
            ("tenant", text(1)),
            ("type", text(2)),
            ("id", text(3)),
            ("ordering_key", text(4)),
            ("timestamp", text(5)),
        ];
        let texts = texts.into_iter();
        let field = |(name, text): (&'static str, Option<&str>)| Some((name.into(), bytes(text?)));
        let mut fields: Vec<(Bytes, Bytes)> = texts.filter_map(field).collect();
        let whole = usize::try_from(whole.unwrap_or_default()).unwrap_or_default();
        let cut = whole.saturating_sub(data.as_ref().map_or(0, Bytes::len));
        fields.extend(data.map(|data| ("data".into(), data)));
        let entry = Entry {
            id: id.to_string(),
            fields,
            cut,
        };
        entry.read(&Context {
            source: &self.info.name.with_row(id),
            derived: &derived,
            tenant: self.settings.tenant.as_ref(),
            redelivered: suspect.is_some_and(|last| id <= last),
            max_data_bytes: self.info.bounds.max_data_bytes,
            now: self.clock.now(),
        })
    }

    /// Removes rows that are durable, and earlier ones that could not be removed.
    async fn remove(&self, link: &Link, ids: impl Iterator<Item = i64>) -> Result<(), OutboxError> {
        let all = self.rows().durable(ids);
        if all.is_empty() {
            return Ok(());
        }
        let left = link.remove(&all).await?;
        self.rows().removed(&all, &left);
        if left.len() > MAX_LOCKED {
            return Err(link.failed("another transaction has locked rows of the outbox for long"));
        }
        Ok(())
    }
}

#[async_trait]
impl Source for Outbox {
    async fn connect(&self) -> Result<Connected, SourceError> {
        let link = self.link().await?;
        if !link.take_reading().await? {
            self.overtaken.store(true, Ordering::Relaxed);
            return Ok(Connected::Standby);
        }
        let mut suspect = None;
        if self.overtaken.load(Ordering::Relaxed) {
            suspect = link.last_id().await?;
            self.overtaken.store(false, Ordering::Relaxed);
        }
        let lost = link.lost.clone();
        let waiter = Waiter::start(
            self.settings.connector.clone(),
            link.table.oid,
            self.woken.clone(),
            lost.clone(),
            self.settings.lease,
        );
        *self.rows() = Rows::default();
        self.set_current(Some(link.clone()));
        *self.session.lock().await = Some(Session {
            link,
            waiter,
            suspect,
            pace: Pace::new(Instant::now()),
            idle_since: None,
        });
        Ok(Connected::Reading(lost))
    }

    async fn next(&self, room: Room) -> Result<Read, SourceError> {
        let mut session = self.session.lock().await;
        let Some(session) = session.as_mut() else {
            return Ok(Read::End);
        };
        let until = Instant::now() + WAIT;
        loop {
            if session
                .idle_since
                .is_none_or(|since| since.elapsed() >= POLL)
            {
                sleep_until(session.pace.next_read()).await;
                let entries = self.read(session, room).await?;
                let now = Instant::now();
                session.pace.found(entries.len(), now);
                let busy = session.pace.is_busy(now);
                session.waiter.want(!busy);
                if !entries.is_empty() {
                    session.idle_since = None;
                    return Ok(Read::Entries(entries));
                }
                // Rows that another transaction had locked.
                self.remove(&session.link, std::iter::empty()).await?;
                if busy {
                    continue;
                }
                session.idle_since = Some(now);
            }
            tokio::select! {
                () = self.woken.notified() => session.idle_since = None,
                () = session.link.lost.cancelled() => {
                    return Err(session.link.failed("the connection is lost").into());
                }
                () = sleep_until(until) => return Ok(Read::Entries(Vec::new())),
            }
        }
    }

    async fn acknowledge(&self, ids: &[String]) -> Result<usize, SourceError> {
        let current = self.current.lock();
        let current = current.unwrap_or_else(PoisonError::into_inner).clone();
        let Some(link) = current else {
            return Ok(0);
        };
        let rows = ids.iter().filter_map(|id| id.parse().ok());
        self.remove(&link, rows).await?;
        Ok(ids.len())
    }

    async fn release(&self) -> Result<(), SourceError> {
        *self.session.lock().await = None;
        self.set_current(None);
        *self.rows() = Rows::default();
        let mut known = self.link.lock().await;
        let Some(link) = known.take_if(|link| !link.lost.is_cancelled()) else {
            return Ok(());
        };
        // A connection that fails here is dropped, and with it its lock.
        link.stop_reading().await?;
        *known = Some(link);
        Ok(())
    }

    async fn lag(&self) -> Result<Option<u64>, SourceError> {
        Ok(Some(self.link().await?.count().await?))
    }

    async fn ping(&self) -> Result<(), SourceError> {
        Ok(self.link().await?.ping().await?)
    }

    fn info(&self) -> &SourceInfo {
        &self.info
    }
}
