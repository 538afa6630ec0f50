//! Redis Streams as a source: one consumer group of any number of processes, of which one reads at a
//! time.
//!
//! # The reader's lease
//!
//! A key beside the stream names the reader, which renews it. A reader that stops or has no capacity
//! releases the key and wakes a process that waits for it. A reader that was killed is replaced at once
//! by a process on the same machine, and elsewhere after [`Settings::lease`]. A reader that was frozen
//! for longer than its lease, right after requesting entries, may plan those after later ones. This is
//! the only case in which the order of the stream is not kept.

mod claims;
mod consumer_group;
mod read_session;
mod reader_lease;
mod settings;
mod stream;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use redis::RedisError;
use tokio_util::sync::CancellationToken;
use webhook_model::Clock;

pub use settings::Settings;

use self::consumer_group::ConsumerGroup;
use self::read_session::ReadSession;
use self::reader_lease::{ReaderLease, ReaderLock};
use self::stream::{Incarnation, Stream};
use super::source::{Connected, Read, Room, Source, SourceError, SourceInfo};
use super::unsettled::Unsettled;

/// The interval at which a waiting process checks that the reader is alive.
const STAND_BY: Duration = Duration::from_millis(500);

/// The most entries that are acknowledged in one call.
const ACKNOWLEDGED: usize = 1024;

/// A Redis stream, read as a consumer group.
pub struct RedisStream {
    group: ConsumerGroup,
    lock: ReaderLock,
    lease: Mutex<Lease>,
    /// The session of the reader. Locked by `next` while it reads.
    session: tokio::sync::Mutex<Option<ReadSession>>,
    /// The incarnation that is being read. Set by `connect`, for `acknowledge`.
    incarnation: Mutex<Option<Incarnation>>,
}

/// The reader's lease, as far as this process knows.
enum Lease {
    None,
    /// The key may have been taken: its call was cancelled.
    Unknown,
    Held(ReaderLease),
}

impl RedisStream {
    /// Creates a source. It connects when an intake runs.
    pub fn new(settings: Settings, clock: Clock) -> Self {
        let stream = Stream::new(&settings);
        let lock = ReaderLock::new(
            stream.link().clone(),
            &settings.stream,
            &settings.group,
            settings.owner.clone(),
            settings.lease,
        );
        let info = SourceInfo::new(&settings.name, &settings.address, settings.bounds);
        Self {
            group: ConsumerGroup {
                settings,
                info,
                clock,
                stream,
                unsettled: Unsettled::default(),
            },
            lock,
            lease: Mutex::new(Lease::None),
            session: tokio::sync::Mutex::default(),
            incarnation: Mutex::default(),
        }
    }

    /// Takes the lease if it is free. Returns the token that is cancelled when it is lost.
    async fn take_lease(&self) -> Result<Option<CancellationToken>, SourceError> {
        self.set_lease(Lease::Unknown);
        let taken = self.lock.take().await;
        match taken {
            Ok(Some(lease)) => {
                let lost = lease.lost().clone();
                self.set_lease(Lease::Held(lease));
                Ok(Some(lost))
            }
            Ok(None) => {
                self.set_lease(Lease::None);
                Ok(None)
            }
            Err(error) => {
                // It expires by itself, if it was taken.
                self.set_lease(Lease::None);
                Err(error.into())
            }
        }
    }

    /// Replaces what is known of the lease, and returns what was known.
    fn set_lease(&self, lease: Lease) -> Lease {
        let mut known = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut known, lease)
    }

    fn incarnation(&self) -> Option<Incarnation> {
        let incarnation = self.incarnation.lock();
        incarnation.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Source for RedisStream {
    async fn connect(&self) -> Result<Connected, SourceError> {
        let Some(lost) = self.take_lease().await? else {
            self.lock
                .wait(self.group.stream.waiting(), STAND_BY)
                .await?;
            return Ok(Connected::Standby);
        };
        let incarnation = self.group.stream.prepare().await?;
        let known = self.incarnation.lock();
        *known.unwrap_or_else(PoisonError::into_inner) = Some(incarnation.clone());
        self.group.unsettled.clear();
        *self.session.lock().await = Some(ReadSession::new(incarnation));
        Ok(Connected::Reading(lost))
    }

    async fn next(&self, room: Room) -> Result<Read, SourceError> {
        let mut session = self.session.lock().await;
        let Some(session) = session.as_mut() else {
            return Ok(Read::End);
        };
        match session.next(&self.group, room).await {
            // The server unblocks a waiting reader when the stream is removed. The next session creates
            // the stream and the group again, after the entries of this one are stored.
            Err(error) if matches!(error.code(), Some("NOGROUP" | "UNBLOCKED")) => {
                let Settings { stream, group, .. } = &self.group.settings;
                tracing::warn!(%stream, %group, "the consumer group is missing; creating it again");
                Ok(Read::End)
            }
            read => Ok(read?),
        }
    }

    async fn acknowledge(&self, ids: &[String]) -> Result<usize, SourceError> {
        let Some(incarnation) = self.incarnation() else {
            return Ok(0);
        };
        let mut acknowledged = 0;
        for some in ids.chunks(ACKNOWLEDGED) {
            acknowledged += self.group.stream.acknowledge(&incarnation, some).await?;
        }
        self.group.unsettled.settled(ids.len());
        Ok(acknowledged)
    }

    async fn release(&self) -> Result<(), SourceError> {
        *self.session.lock().await = None;
        match self.set_lease(Lease::None) {
            Lease::None => Ok(()),
            Lease::Unknown => Ok(self.lock.hand_over(None).await?),
            Lease::Held(lease) => Ok(self.lock.hand_over(Some(lease)).await?),
        }
    }

    async fn lag(&self) -> Result<Option<u64>, SourceError> {
        Ok(self.group.stream.lag().await?)
    }

    async fn ping(&self) -> Result<(), SourceError> {
        Ok(self.lock.ping().await?)
    }

    fn info(&self) -> &SourceInfo {
        &self.group.info
    }
}

impl From<RedisError> for SourceError {
    fn from(error: RedisError) -> Self {
        Self::new(error)
    }
}
