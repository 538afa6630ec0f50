//! The session of a reader: pending entries first, then new ones.

use std::time::Duration;

use redis::RedisResult;
use tokio::time::Instant;

use super::claims::{Claims, Pending};
use super::consumer_group::ConsumerGroup;
use super::stream::Incarnation;
use crate::SourceEntry;
use crate::entry::{Context, Entry};
use crate::source::{Read, Room};
use crate::stats::add;

/// The interval at which a reader claims entries that other consumers left pending, and trims.
const SWEEP: Duration = Duration::from_secs(10);

/// The time that a reader waits for entries under way before it claims pending ones.
const FLUSH: Duration = Duration::from_secs(1);

/// A session of the reader of one incarnation.
pub(super) struct ReadSession {
    incarnation: Incarnation,
    phase: Phase,
    /// The most new entries per read. Lowered to one when a reply was too large, and doubled after each
    /// read.
    max_read: usize,
}

enum Phase {
    /// Claims pending entries, which must not be overtaken.
    Claim(Claims),
    /// Reads new entries, since this time.
    New(Instant),
}

impl ReadSession {
    /// Begins with the entries that an earlier reader has left.
    pub(super) fn new(incarnation: Incarnation) -> Self {
        Self {
            incarnation,
            phase: Phase::Claim(Claims::of(Pending::Left)),
            max_read: usize::MAX,
        }
    }

    /// Takes the next step of the session.
    ///
    /// # Errors
    ///
    /// Errors of the server and of the connection.
    pub(super) async fn next(&mut self, source: &ConsumerGroup, room: Room) -> RedisResult<Read> {
        loop {
            let sweep = SWEEP.min(source.settings.min_idle);
            match &mut self.phase {
                Phase::Claim(claims) => match claims.next(source, &self.incarnation, room).await? {
                    Some(entries) => {
                        let redelivered = claims.redelivered();
                        return Ok(self.pass_on(source, entries, redelivered));
                    }
                    None => self.phase = Phase::New(Instant::now()),
                },
                Phase::New(since) if since.elapsed() >= sweep => {
                    source.unsettled.flushed(FLUSH).await;
                    self.trim(source).await?;
                    let idle = Pending::Idle(source.settings.min_idle);
                    self.phase = Phase::Claim(Claims::of(idle));
                }
                Phase::New(_) => match self.read_new(source, room).await? {
                    Some(entries) => return Ok(self.pass_on(source, entries, false)),
                    // The entries are pending now, and behind those under way.
                    None if !source.unsettled.flushed(FLUSH).await => return Ok(Read::End),
                    None => self.phase = Phase::Claim(Claims::of(Pending::Refused)),
                },
            }
        }
    }

    /// Reads new entries. Returns `None` if they exceeded the size of a reply.
    async fn read_new(
        &mut self,
        source: &ConsumerGroup,
        room: Room,
    ) -> RedisResult<Option<Vec<Entry>>> {
        let most = self.max_read.min(source.stream.max_read());
        let count = room.entries.min(most);
        let entries = source.stream.read_new(count, source.settings.block).await?;
        self.max_read = match &entries {
            None => 1,
            Some(none) if none.is_empty() => self.max_read,
            Some(_) => most.saturating_mul(2),
        };
        Ok(entries)
    }

    /// Parses entries. Redelivered entries are accepted without planning: their filters or transforms
    /// may have crashed the process.
    fn pass_on(&self, source: &ConsumerGroup, entries: Vec<Entry>, redelivered: bool) -> Read {
        source.unsettled.add(entries.len());
        let now = source.clock.now();
        let read = |entry: Entry| -> SourceEntry {
            let derived = self.incarnation.origin.derived_id(&entry.id);
            entry.read(&Context {
                source: &source.info.name,
                derived: &derived,
                tenant: source.settings.tenant.as_ref(),
                redelivered,
                max_data_bytes: source.settings.bounds.max_data_bytes,
                now,
            })
        };
        Read::Entries(entries.into_iter().map(read).collect())
    }

    async fn trim(&self, source: &ConsumerGroup) -> RedisResult<()> {
        if source.settings.trim {
            add(&source.info.stats.trimmed, source.stream.trim().await?);
        }
        Ok(())
    }
}
