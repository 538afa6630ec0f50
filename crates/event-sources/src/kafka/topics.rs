//! The source: topics, as the intake reads them.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rdkafka::consumer::BaseConsumer;
use sha2::{Digest, Sha256};
use webhook_model::Clock;

use super::client::{Callbacks, MAX_EVENTS, blocking, config, drop_in_background, error, lock};
use super::offsets;
use super::positions::{Partition, Position, Positions};
use super::session::{Received, Session};
use super::settings::Settings;
use crate::SourceEntry;
use crate::entry::Context;
use crate::origin::Origin;
use crate::source::{Connected, Read, Room, Source, SourceError, SourceInfo};

/// Topics of Kafka, read as a member of a consumer group.
pub struct KafkaTopics {
    settings: Settings,
    info: SourceInfo,
    clock: Clock,
    /// Shared with the callbacks of the client, which remove revoked partitions.
    positions: Arc<Mutex<Positions>>,
    /// Set by `connect` and `release`.
    session: Mutex<Option<Arc<Session>>>,
    /// A client that is no member, for `lag` and `ping`. Removed when a call fails.
    observer: Mutex<Option<Arc<BaseConsumer<Callbacks>>>>,
}

impl KafkaTopics {
    /// Creates a source. It connects when an intake runs.
    pub fn new(settings: Settings, clock: Clock) -> Self {
        Self {
            info: SourceInfo::new(&settings.name, &settings.address, settings.bounds),
            settings,
            clock,
            positions: Arc::default(),
            session: Mutex::default(),
            observer: Mutex::default(),
        }
    }

    fn callbacks(&self) -> Callbacks {
        Callbacks::new(&self.settings.name, self.positions.clone())
    }

    fn session(&self) -> Option<Arc<Session>> {
        lock(&self.session).clone()
    }

    /// Begins the partitions whose first messages these are.
    async fn begin(&self, session: &Session, received: &[Received]) -> Result<(), SourceError> {
        let mut first: Vec<Position> = Vec::new();
        {
            let positions = lock(&self.positions);
            for Received {
                partition, offset, ..
            } in received
            {
                let is_new = first.iter().all(|(known, _)| known != partition);
                if is_new && !positions.knows(partition) {
                    first.push((partition.clone(), *offset));
                }
            }
        }
        if first.is_empty() {
            return Ok(());
        }
        let begun = session.call(move |client| offsets::begin(client, &first));
        let begun = begun.await?;
        let mut positions = lock(&self.positions);
        for (partition, begin) in begun {
            positions.begin(partition, begin);
        }
        Ok(())
    }

    /// Commits the positions that the group does not have.
    async fn commit(&self, session: &Session) -> Result<(), SourceError> {
        let due = lock(&self.positions).due();
        if due.is_empty() {
            return Ok(());
        }
        let positions = due.clone();
        let committed = session.call(move |client| offsets::commit(client, &positions, true));
        if committed.await? {
            lock(&self.positions).committed(&due);
        }
        Ok(())
    }

    fn entry(&self, cluster: &str, received: Received) -> Option<SourceEntry> {
        let Received {
            partition,
            offset,
            timestamp,
            mut message,
        } = received;
        let (number, redelivered) = lock(&self.positions).add(&partition, offset)?;
        message.id = number.to_string();
        let origin = Origin::new(&self.settings.name, &incarnation(cluster, &partition.topic));
        let derived = origin.derived_id(&format!("{}-{offset}-{timestamp}", partition.number));
        Some(message.read(&Context {
            source: &self.info.name,
            derived: &derived,
            tenant: self.settings.tenant.as_ref(),
            redelivered,
            max_data_bytes: self.settings.bounds.max_data_bytes,
            now: self.clock.now(),
        }))
    }

    /// Runs a call that blocks, with a client that is no member of the group.
    async fn observe<T: Send + 'static>(
        &self,
        call: impl FnOnce(&BaseConsumer<Callbacks>, Vec<Partition>) -> Result<T, SourceError>
        + Send
        + 'static,
    ) -> Result<T, SourceError> {
        let known = lock(&self.observer).clone();
        let client = match known {
            Some(client) => client,
            None => {
                let created = config(&self.settings).create_with_context(self.callbacks());
                Arc::new(created.map_err(error)?)
            }
        };
        *lock(&self.observer) = None;
        let (topics, observer) = (self.settings.topics.clone(), client.clone());
        let result = blocking(move || {
            let found = offsets::partitions(&*observer, &topics);
            // Its events, of which only the callbacks take notice.
            for _ in 0..MAX_EVENTS {
                drop(observer.poll(std::time::Duration::ZERO));
            }
            Ok(match found {
                Ok((_, partitions)) => call(&observer, partitions),
                Err((topic, failure)) => {
                    let failure = SourceError::new(format!("{topic}: {failure}"));
                    Err(rdkafka::consumer::Consumer::context(&*observer).explain(failure))
                }
            })
        });
        match result.await.and_then(|result| result) {
            Ok(value) => {
                *lock(&self.observer) = Some(client);
                Ok(value)
            }
            Err(failure) => {
                drop_in_background(client);
                Err(failure)
            }
        }
    }
}

#[async_trait]
impl Source for KafkaTopics {
    async fn connect(&self) -> Result<Connected, SourceError> {
        lock(&self.positions).end();
        let session = Session::join(&self.settings, self.callbacks()).await?;
        let lost = session.lost.clone();
        *lock(&self.session) = Some(Arc::new(session));
        Ok(Connected::Reading(lost))
    }

    async fn next(&self, room: Room) -> Result<Read, SourceError> {
        let Some(session) = self.session() else {
            return Ok(Read::End);
        };
        let received = session.read(room).await?;
        if received.is_empty() {
            // Positions whose commit was refused while the members of the group were changing.
            self.commit(&session).await?;
            return Ok(Read::Entries(Vec::new()));
        }
        self.begin(&session, &received).await?;
        let received = received.into_iter();
        let entries = received.filter_map(|one| self.entry(&session.cluster, one));
        Ok(Read::Entries(entries.collect()))
    }

    async fn acknowledge(&self, ids: &[String]) -> Result<usize, SourceError> {
        let Some(session) = self.session() else {
            return Ok(0);
        };
        let settled = {
            let mut positions = lock(&self.positions);
            let numbers = ids.iter().filter_map(|id| id.parse().ok());
            numbers.filter(|number| positions.settle(*number)).count()
        };
        self.commit(&session).await?;
        Ok(settled)
    }

    async fn release(&self) -> Result<(), SourceError> {
        let session = lock(&self.session).take();
        let ended = lock(&self.positions).end();
        match session.and_then(Arc::into_inner) {
            Some(session) => session.leave(ended).await,
            None => Ok(()),
        }
    }

    async fn lag(&self) -> Result<Option<u64>, SourceError> {
        let lag =
            self.observe(|client, partitions| offsets::lag(client, &partitions).map_err(error));
        lag.await.map(Some)
    }

    async fn ping(&self) -> Result<(), SourceError> {
        self.observe(|_, _| Ok(())).await
    }

    fn info(&self) -> &SourceInfo {
        &self.info
    }
}

impl Drop for KafkaTopics {
    fn drop(&mut self) {
        if let Some(client) = lock(&self.observer).take() {
            drop_in_background(client);
        }
    }
}

/// Returns the incarnation of a topic: that of its cluster. A topic that was created again under the same
/// name has messages with later timestamps.
fn incarnation(cluster: &str, topic: &str) -> String {
    let mut hash = Sha256::new();
    for part in [cluster, topic] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(&hash.finalize()[..8])
}
