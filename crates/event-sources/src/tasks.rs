//! The tasks that give what was taken, one for each tenant that has entries.

use std::collections::HashSet;
use std::sync::Arc;

use redis::{ErrorKind, RedisError, RedisResult};
use tokio::task::{JoinError, JoinSet};

use super::entry::{Entry, owner};
use super::giver::Giver;
use super::queue::{Load, Waiting};
use super::queues::{Key, Queues};
use super::stream::Found;
use super::turn::Turn;

/// What one turn has taken, and who gives it. Dropping it is a crash: what is under way ends nowhere.
pub(super) struct Tasks {
    giver: Arc<Giver>,
    queues: Arc<Queues>,
    turn: Turn,
    running: JoinSet<RedisResult<()>>,
}

impl Tasks {
    pub(super) fn new(giver: Arc<Giver>, turn: Turn) -> Self {
        let settings = &giver.settings;
        // While some is given, as much again may be read.
        let most = Load {
            entries: settings.max_entries.saturating_mul(2),
            bytes: settings.max_bytes,
        };
        Self {
            queues: Arc::new(Queues::new(most)),
            giver,
            turn,
            running: JoinSet::new(),
        }
    }

    pub(super) fn queues(&self) -> &Queues {
        &self.queues
    }

    /// Entries that were read just now.
    pub(super) fn read(&mut self, entries: Vec<Entry>) {
        let bytes: Vec<usize> = entries.iter().map(Entry::bytes).collect();
        let taken = self
            .giver
            .read_all(entries, &self.turn)
            .into_iter()
            .zip(bytes);
        let waiting = taken.map(|(taken, bytes)| {
            let key = taken.tenant.clone();
            (key, Waiting::read(taken, bytes))
        });
        self.push(waiting);
    }

    /// Entries that were taken before, each so often, to be taken again.
    pub(super) fn left(&mut self, entries: Vec<Found>, deliveries: u64) {
        let waiting = entries.into_iter().map(|found| {
            let waiting = Waiting::left(found.id, deliveries, found.bytes);
            (owner(&found.tenant), waiting)
        });
        self.push(waiting);
    }

    fn push(&mut self, waiting: impl Iterator<Item = (Key, Waiting)>) {
        for key in self.queues.push(waiting) {
            let (giver, queues, turn) = (&self.giver, &self.queues, &self.turn);
            let task = giver.clone().drain(queues.clone(), key, turn.clone());
            self.running.spawn(task);
        }
    }

    /// The ids of what this turn has taken and not brought to its end.
    pub(super) fn ids(&self) -> HashSet<String> {
        self.queues.ids()
    }

    /// # Errors
    ///
    /// That of a task, if one has ended with an error.
    pub(super) fn check(&mut self) -> RedisResult<()> {
        while let Some(ended) = self.running.try_join_next() {
            outcome(ended)?;
        }
        Ok(())
    }

    /// Brings to its end what is under way: what was read is given, unless the turn is lost or
    /// `failed`; what is to be claimed is left to the next reader.
    ///
    /// # Errors
    ///
    /// That of the first task that ends with one.
    pub(super) async fn finish(mut self, failed: bool) -> RedisResult<()> {
        self.queues.close(failed || self.turn.is_lost());
        self.turn.end();
        let mut first = Ok(());
        while let Some(ended) = self.running.join_next().await {
            first = first.and(outcome(ended));
        }
        first
    }
}

fn outcome(ended: Result<RedisResult<()>, JoinError>) -> RedisResult<()> {
    ended.unwrap_or_else(|_| {
        let error = "the task that gives a tenant's entries was interrupted";
        Err(RedisError::from((ErrorKind::Client, error)))
    })
}
