//! Claims the pending entries of the group, page by page.

use std::collections::VecDeque;
use std::time::Duration;

use redis::RedisResult;

use super::consumer_group::ConsumerGroup;
use super::stream::Incarnation;
use crate::entry::Entry;
use crate::source::Room;
use crate::stats::add;

/// The time that a reader waits for claimed entries before it claims more that are idle.
const FLUSH: Duration = Duration::from_secs(1);

/// The pending entries to claim.
#[derive(Clone, Copy)]
pub(super) enum Pending {
    /// Entries that an earlier reader has left.
    Left,
    /// New entries of a reply that was too large: they were not passed to the sink yet.
    Refused,
    /// Entries that have been pending for that long.
    Idle(Duration),
}

/// The claiming of pending entries of all consumers. No other process reads meanwhile. If an earlier
/// reader still does, both store the same events, which changes nothing.
pub(super) struct Claims {
    which: Pending,
    /// The last id of the page.
    behind: Option<String>,
    /// The ids of the page that are not claimed yet.
    page: VecDeque<String>,
}

impl Claims {
    pub(super) fn of(which: Pending) -> Self {
        Self {
            which,
            behind: None,
            page: VecDeque::new(),
        }
    }

    /// Returns whether the entries were passed to a sink before, by a reader that may have crashed
    /// because of them.
    pub(super) fn redelivered(&self) -> bool {
        !matches!(self.which, Pending::Refused)
    }

    /// Claims the next entries, as many as fit. Returns `None` after the last.
    ///
    /// # Errors
    ///
    /// Errors of the server and of the connection.
    pub(super) async fn next(
        &mut self,
        source: &ConsumerGroup,
        incarnation: &Incarnation,
        room: Room,
    ) -> RedisResult<Option<Vec<Entry>>> {
        loop {
            if self.page.is_empty() && !self.turn_page(source).await? {
                return Ok(None);
            }
            let entries = self.claim(source, incarnation, room).await?;
            if !entries.is_empty() {
                return Ok(Some(entries));
            }
        }
    }

    /// Reads the ids of the next page. Returns `false` after the last.
    async fn turn_page(&mut self, source: &ConsumerGroup) -> RedisResult<bool> {
        let idle = match self.which {
            Pending::Left | Pending::Refused => None,
            Pending::Idle(idle) => {
                // Entries under way are idle as well, and must not be claimed from ourselves.
                if !source.unsettled.flushed(FLUSH).await {
                    return Ok(false);
                }
                Some(idle)
            }
        };
        let count = source.settings.bounds.max_entries;
        let pending = source.stream.pending(self.behind.as_deref(), idle, count);
        self.page = pending.await?.into();
        if let Some(last) = self.page.back() {
            self.behind = Some(last.clone());
        }
        Ok(!self.page.is_empty())
    }

    /// Claims from the page. Returns no entries if those examined were removed from the stream.
    async fn claim(
        &mut self,
        source: &ConsumerGroup,
        incarnation: &Incarnation,
        room: Room,
    ) -> RedisResult<Vec<Entry>> {
        let most = room.entries.clamp(1, self.page.len());
        let ids = &self.page.make_contiguous()[..most];
        let claimed = source.stream.claim(ids, room.bytes).await?;
        self.page.drain(..claimed.examined.clamp(1, most));
        let stats = &source.info.stats;
        add(&stats.claimed, claimed.entries.len());
        if !claimed.vanished.is_empty() {
            let entries = claimed.vanished.join(" ");
            tracing::warn!(entries, "pending entries were removed from the stream");
            add(&stats.vanished, claimed.vanished.len());
            source
                .stream
                .acknowledge(incarnation, &claimed.vanished)
                .await?;
        }
        Ok(claimed.entries)
    }
}
