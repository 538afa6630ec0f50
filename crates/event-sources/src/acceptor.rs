//! Passes entries to the sink, and acknowledges those that are durable.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::outstanding::{Load, Outstanding};
use super::session::Session;
use super::source::{Source, SourceError};
use super::stats::{Stats, add};
use super::{Sink, SinkError, SourceEntry};
use webhook_model::{Backoff, TenantId};

/// The most batches that are passed to the sink in one call.
const BATCHES: usize = 16;

/// The receiving end of one session.
pub(super) struct Acceptor {
    pub source: Arc<dyn Source>,
    pub sink: Arc<dyn Sink>,
    pub outstanding: Arc<Outstanding>,
    pub session: Session,
}

/// Entries that the sink could not store yet, and later entries of the same tenants.
#[derive(Default)]
struct Held {
    entries: Vec<SourceEntry>,
    tenants: HashSet<Option<TenantId>>,
    backoff: Backoff,
    until: Option<Instant>,
}

impl Acceptor {
    /// Runs until the channel of batches closes or the session is lost. Entries that could not be
    /// stored are not acknowledged: the source delivers them again.
    ///
    /// # Errors
    ///
    /// Errors of the source's server and of the connection.
    pub(super) async fn run(
        self,
        mut batches: mpsc::Receiver<Vec<SourceEntry>>,
    ) -> Result<(), SourceError> {
        let (mut held, mut durable, mut received) = (Held::default(), Vec::new(), Vec::new());
        loop {
            let (new, entries) = tokio::select! {
                biased;
                () = held.wait() => (Load::default(), held.take()),
                count = batches.recv_many(&mut received, BATCHES) => {
                    if count == 0 {
                        break;
                    }
                    let entries: Vec<SourceEntry> = received.drain(..).flatten().collect();
                    (Load::of(&entries), held.push_back_held(entries))
                }
            };
            if self.session.is_lost() {
                return Ok(());
            }
            // Concurrent, so that acknowledging the previous entries takes no extra time.
            let (acknowledged, kept) = tokio::join!(
                self.acknowledge(std::mem::take(&mut durable)),
                self.keep(entries, &mut held),
            );
            acknowledged?;
            durable = kept;
            self.outstanding.processed(new, Load::of(&held.entries));
            if batches.is_empty() {
                self.acknowledge(std::mem::take(&mut durable)).await?;
            }
            if self.session.is_over() && !held.entries.is_empty() {
                break;
            }
        }
        self.acknowledge(durable).await
    }

    fn stats(&self) -> &Stats {
        &self.source.info().stats
    }

    /// Passes entries to the sink once. Returns the ids of those that are durable, and holds the others.
    async fn keep(&self, entries: Vec<SourceEntry>, held: &mut Held) -> Vec<String> {
        if entries.is_empty() {
            return Vec::new();
        }
        add(&self.stats().taken, entries.len());
        let results = self.sink.take(entries.clone()).await;
        let missing = SinkError("the sink returned no result for it".into());
        let results = results.into_iter().chain(std::iter::repeat(Err(missing)));
        let (mut durable, mut reason) = (Vec::with_capacity(entries.len()), None);
        let mut failed = Vec::new();
        for (entry, result) in entries.into_iter().zip(results) {
            match result {
                Ok(()) => {
                    add(&self.stats().rejected, entry.content.is_err().into());
                    durable.push(entry.id);
                }
                Err(SinkError(error)) => {
                    failed.push(entry);
                    reason = Some(error);
                }
            }
        }
        if let Some(reason) = reason {
            tracing::warn!(entries = failed.len(), %reason, "entries not stored; retrying");
        }
        held.hold(failed);
        durable
    }

    async fn acknowledge(&self, ids: Vec<String>) -> Result<(), SourceError> {
        if ids.is_empty() {
            return Ok(());
        }
        let acknowledged = self.source.acknowledge(&ids).await?;
        add(&self.stats().acknowledged, acknowledged);
        Ok(())
    }
}

impl Held {
    /// Queues entries of tenants that have held entries, and returns the others.
    fn push_back_held(&mut self, entries: Vec<SourceEntry>) -> Vec<SourceEntry> {
        if self.entries.is_empty() {
            return entries;
        }
        let is_held = |entry: &SourceEntry| self.tenants.contains(&entry.tenant);
        let (behind, others) = entries.into_iter().partition(is_held);
        self.entries.extend::<Vec<SourceEntry>>(behind);
        others
    }

    /// Holds failed entries, in front of later ones of the same tenants.
    fn hold(&mut self, failed: Vec<SourceEntry>) {
        if failed.is_empty() {
            if self.entries.is_empty() {
                self.backoff.reset();
            }
            return;
        }
        self.tenants
            .extend(failed.iter().map(|entry| entry.tenant.clone()));
        self.entries.splice(0..0, failed);
        self.until = Some(Instant::now() + self.backoff.next_wait());
    }

    /// Waits for the next retry of held entries; never returns if none are held.
    async fn wait(&self) {
        match self.until {
            Some(until) => sleep_until(until).await,
            None => std::future::pending().await,
        }
    }

    fn take(&mut self) -> Vec<SourceEntry> {
        self.until = None;
        self.tenants.clear();
        std::mem::take(&mut self.entries)
    }
}
