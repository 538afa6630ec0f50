//! NATS JetStream as a source: a stream, read through a durable pull consumer with explicit
//! acknowledgement.
//!
//! The stream must exist; the consumer is created, and begins with the oldest message. Messages under way
//! are reported as in progress, so that a slow store causes no redelivery. Several processes share the
//! consumer; the order of each tenant's messages is kept while one of them reads.

mod settings;
mod unsettled;

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::consumer::pull::{self, Batch};
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy};
use async_nats::jetstream::message::Acker;
use async_nats::jetstream::{self, AckKind, Message as Delivery};
use async_nats::{Client, ConnectOptions, Event};
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use webhook_model::Clock;

pub use self::settings::{Address, AddressError, Credentials, Settings};
use self::unsettled::Unsettled;
use super::SourceEntry;
use super::entry::Context;
use super::message::Message;
use super::origin::Origin;
use super::source::{Connected, Read, Room, Source, SourceError, SourceInfo};

/// The longest wait for messages.
const WAIT: Duration = Duration::from_millis(500);

/// The longest wait for a reply of the server.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The interval at which the connection is checked.
const PING: Duration = Duration::from_secs(10);

/// The time after which a message that is neither settled nor in progress is delivered again, of
/// consumers that are created here.
const ACK_WAIT: Duration = Duration::from_secs(30);

/// The most messages that are not acknowledged, of consumers that are created here.
const MAX_ACK_PENDING: i64 = 4096;

/// The size of a payload that is larger than the buffer of the client at its start.
const LARGE: usize = 64 << 10;

/// A JetStream stream, read through a durable consumer.
pub struct JetStream {
    settings: Settings,
    info: SourceInfo,
    clock: Clock,
    /// The connection, which outlasts sessions. Locked while connecting.
    connection: tokio::sync::Mutex<Option<Connection>>,
    /// The session of reading. Locked by `next` while it waits.
    session: tokio::sync::Mutex<Option<Session>>,
    /// The connection of the session, for `acknowledge`.
    client: Mutex<Option<Client>>,
    unsettled: Unsettled,
}

#[derive(Clone)]
struct Connection {
    client: Client,
    /// Cancelled when the server disconnects.
    lost: CancellationToken,
}

/// A session of reading one incarnation of the stream.
struct Session {
    consumer: Consumer<pull::Config>,
    origin: Origin,
    lost: CancellationToken,
    _in_progress: AbortOnDropHandle<()>,
}

impl JetStream {
    /// Creates a source. It connects when an intake runs.
    pub fn new(settings: Settings, clock: Clock) -> Self {
        Self {
            info: SourceInfo::new(&settings.name, &settings.address, settings.bounds),
            settings,
            clock,
            connection: tokio::sync::Mutex::default(),
            session: tokio::sync::Mutex::default(),
            client: Mutex::default(),
            unsettled: Unsettled::default(),
        }
    }

    /// Returns the connection, after connecting if there is none.
    async fn connection(&self) -> Result<Connection, SourceError> {
        let mut known = self.connection.lock().await;
        if let Some(connection) = &*known
            && !connection.lost.is_cancelled()
        {
            return Ok(connection.clone());
        }
        *known = None;
        let lost = CancellationToken::new();
        let on_event = lost.clone();
        let mut options = ConnectOptions::new()
            .name("webhook-sender")
            .ping_interval(PING)
            .tls_client_config(tls_trust::client_config(&[]).map_err(SourceError::new)?)
            .event_callback(move |event| {
                let lost = on_event.clone();
                async move {
                    if matches!(event, Event::Disconnected | Event::Closed) {
                        lost.cancel();
                    }
                }
            });
        options = self.settings.address.authenticate(options);
        if let Some(credentials) = &self.settings.credentials {
            // The error may show a part of the text.
            let read = options.credentials(credentials.reveal());
            options = read.map_err(|_| SourceError::new("the credentials cannot be parsed"))?;
        }
        let client = within(options.connect(self.settings.address.server())).await?;
        let connection = Connection { client, lost };
        *known = Some(connection.clone());
        Ok(connection)
    }

    async fn stream(&self, client: &Client) -> Result<jetstream::stream::Stream, SourceError> {
        let context = jetstream::new(client.clone());
        let stream = &self.settings.stream;
        let found = within(context.get_stream(stream)).await;
        found.map_err(|error| SourceError::new(format!("stream `{stream}`: {error}")))
    }

    async fn consumer(
        &self,
        stream: &jetstream::stream::Stream,
    ) -> Result<Consumer<pull::Config>, SourceError> {
        let Settings {
            consumer, subjects, ..
        } = &self.settings;
        let mut config = pull::Config {
            durable_name: Some(consumer.clone()),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: MAX_ACK_PENDING,
            ..pull::Config::default()
        };
        match &subjects[..] {
            [] => {}
            [subject] => config.filter_subject.clone_from(subject),
            _ => config.filter_subjects.clone_from(subjects),
        }
        let found = within(stream.get_or_create_consumer(consumer, config)).await;
        found.map_err(|error| SourceError::new(format!("consumer `{consumer}`: {error}")))
    }

    /// Returns the number of messages that were not delivered.
    async fn pending(&self) -> Result<u64, SourceError> {
        let Connection { client, .. } = self.connection().await?;
        let stream = self.stream(&client).await?;
        let consumer = within(stream.consumer_info(&self.settings.consumer)).await;
        Ok(consumer?.num_pending)
    }

    fn set_client(&self, client: Option<Client>) {
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = client;
    }

    /// Returns the client of the session.
    fn client(&self) -> Option<Client> {
        let client = self.client.lock();
        client.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn entry(&self, origin: &Origin, delivery: Delivery) -> Result<SourceEntry, SourceError> {
        let info = delivery.info().map_err(SourceError::new)?;
        let (sequence, redelivered) = (info.stream_sequence, info.delivered > 1);
        let (message, acker) = delivery.split();
        self.unsettled.add(sequence, acker);
        let id = sequence.to_string();
        let derived = origin.derived_id(&id);
        let message = Message {
            id,
            headers: message.headers.as_ref().map(headers).unwrap_or_default(),
            content_type: None,
            key: None,
            body: message.payload,
            cut: 0,
        };
        Ok(message.read(&Context {
            source: &self.info.name,
            derived: &derived,
            tenant: self.settings.tenant.as_ref(),
            redelivered,
            max_data_bytes: self.settings.bounds.max_data_bytes,
            now: self.clock.now(),
        }))
    }
}

impl Session {
    /// Returns the messages that are there, or the next one if it comes in time.
    ///
    /// Reads every reply to its requests. A request that is left open may be served with messages that
    /// are returned when the session ends, which nobody would read then.
    async fn read(&self, room: Room) -> Result<Vec<Delivery>, SourceError> {
        let there = self.consumer.fetch();
        let there = there.max_messages(room.entries).max_bytes(room.bytes);
        let deliveries = self.receive(within(there.messages()).await?).await?;
        if !deliveries.is_empty() {
            return Ok(deliveries);
        }
        // Not bounded in bytes: a message that exceeds the bound comes alone.
        let next = self.consumer.batch().max_messages(1).expires(WAIT);
        self.receive(within(next.messages()).await?).await
    }

    /// Returns the messages of a reply. An error after the first of them is left to the next request.
    async fn receive(&self, mut batch: Batch) -> Result<Vec<Delivery>, SourceError> {
        let mut deliveries = Vec::new();
        loop {
            let next = tokio::select! {
                biased;
                next = timeout(RESPONSE_TIMEOUT, batch.next()) => next.map_err(|_| silent()),
                () = self.lost.cancelled() => Err(SourceError::new("the server has disconnected")),
            };
            let error = match next {
                Ok(Some(Ok(delivery))) => {
                    deliveries.push(detached(delivery));
                    continue;
                }
                Ok(None) => return Ok(deliveries),
                Ok(Some(Err(error))) => SourceError::new(error),
                Err(error) => error,
            };
            // The next message does not fit into what is left of the request.
            if deliveries.is_empty() && !error.to_string().contains("MaxBytes") {
                return Err(error);
            }
            return Ok(deliveries);
        }
    }
}

#[async_trait]
impl Source for JetStream {
    async fn connect(&self) -> Result<Connected, SourceError> {
        let Connection { client, lost } = self.connection().await?;
        let stream = self.stream(&client).await?;
        let consumer = self.consumer(&stream).await?;
        let ack_wait = consumer.cached_info().config.ack_wait;
        let interval = (ack_wait / 3).max(Duration::from_millis(100));
        let in_progress = tokio::spawn(self.unsettled.clone().keep_in_progress(interval));
        self.set_client(Some(client));
        *self.session.lock().await = Some(Session {
            origin: Origin::new(&self.settings.name, &incarnation(stream.cached_info())),
            consumer,
            lost: lost.clone(),
            _in_progress: AbortOnDropHandle::new(in_progress),
        });
        Ok(Connected::Reading(lost))
    }

    async fn next(&self, room: Room) -> Result<Read, SourceError> {
        let session = self.session.lock().await;
        let Some(session) = session.as_ref() else {
            return Ok(Read::End);
        };
        let deliveries = session.read(room).await?.into_iter();
        let entries = deliveries.map(|delivery| self.entry(&session.origin, delivery));
        Ok(Read::Entries(entries.collect::<Result<_, _>>()?))
    }

    async fn acknowledge(&self, ids: &[String]) -> Result<usize, SourceError> {
        let Some(client) = self.client() else {
            return Ok(0);
        };
        let known = ids
            .iter()
            .filter_map(|id| self.unsettled.take(id.parse().ok()?));
        let known: Vec<_> = known.collect();
        settle(&known, AckKind::Ack).await?;
        within(client.flush()).await?;
        Ok(known.len())
    }

    async fn release(&self) -> Result<(), SourceError> {
        let session = self.session.lock().await.take();
        let client = self.client();
        self.set_client(None);
        let left = self.unsettled.drain();
        match session.zip(client) {
            Some((session, client)) if !session.lost.is_cancelled() => {
                // In order, and before new messages: without a delay.
                settle(&left, AckKind::Nak(None)).await?;
                within(client.flush()).await
            }
            _ => Ok(()),
        }
    }

    async fn lag(&self) -> Result<Option<u64>, SourceError> {
        self.pending().await.map(Some)
    }

    async fn ping(&self) -> Result<(), SourceError> {
        let Connection { client, .. } = self.connection().await?;
        self.stream(&client).await.map(drop)
    }

    fn info(&self) -> &SourceInfo {
        &self.info
    }
}

/// Copies a large payload out of the buffer of the client, which would stay allocated with it, and has about
/// twice its size.
fn detached(mut delivery: Delivery) -> Delivery {
    let payload = &mut delivery.message.payload;
    if payload.len() >= LARGE {
        *payload = Bytes::copy_from_slice(payload);
    }
    delivery
}

/// Returns the incarnation of a stream: derived from the time at which it was created.
fn incarnation(info: &jetstream::stream::Info) -> String {
    let mut hash = Sha256::new();
    hash.update(info.config.name.as_bytes());
    hash.update(info.created.unix_timestamp_nanos().to_be_bytes());
    hex::encode(&hash.finalize()[..8])
}

fn headers(headers: &async_nats::HeaderMap) -> Vec<(Bytes, Bytes)> {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    let mut all = Vec::new();
    for (name, values) in headers.iter() {
        let (name, values): (&str, _) = (name.as_ref(), values.iter());
        all.extend(values.map(|value| (bytes(name), bytes(value.as_str()))));
    }
    all
}

/// Ends the work on messages.
async fn settle(messages: &[Arc<Acker>], how: AckKind) -> Result<(), SourceError> {
    for message in messages {
        within(message.ack_with(how)).await?;
    }
    Ok(())
}

/// Waits for the server, which may be frozen.
async fn within<T, E: Display>(
    reply: impl IntoFuture<Output = Result<T, E>>,
) -> Result<T, SourceError> {
    match timeout(RESPONSE_TIMEOUT, reply).await {
        Ok(reply) => reply.map_err(SourceError::new),
        Err(_) => Err(silent()),
    }
}

fn silent() -> SourceError {
    SourceError::new(format!(
        "the server has not responded within {RESPONSE_TIMEOUT:?}"
    ))
}
