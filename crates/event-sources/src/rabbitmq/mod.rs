//! RabbitMQ as a source: a queue of any kind, over AMQP 0-9-1.
//!
//! The server delivers at most [`Settings::prefetch`] messages before they are acknowledged, and delivers
//! those that are not acknowledged again when the connection ends. Of a message that is too large, only the
//! start is read. The queue must exist. Several
//! processes share it; if the order of each tenant's messages matters, declare the queue with
//! `x-single-active-consumer`.

mod body_limit;
mod identity;
mod settings;
mod transport;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Connection, ConnectionProperties, Consumer};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use webhook_model::Clock;

use self::identity::{Delivered, Identities, QueueName};
pub use self::settings::{Address, AddressError, Settings};
use self::transport::Transport;
use super::SourceEntry;
use super::entry::Context;
use super::message::Message;
use super::source::{Connected, Read, Room, Source, SourceError, SourceInfo};

/// The longest wait for messages.
const WAIT: Duration = Duration::from_millis(500);

/// The longest wait for a reply of the server.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The interval at which a silent server is checked.
const CHECK: Duration = Duration::from_secs(10);

/// A queue, read as one of its consumers.
pub struct RabbitQueue {
    settings: Settings,
    info: SourceInfo,
    clock: Clock,
    queue: ShortString,
    /// The connection, which outlasts sessions. Locked while connecting.
    connection: tokio::sync::Mutex<Option<Arc<Connection>>>,
    /// The deliveries of the session. Locked by `next` while it waits.
    deliveries: tokio::sync::Mutex<Option<Deliveries>>,
    /// The channel of the session, for `acknowledge`.
    session: Mutex<Option<Session>>,
    identities: Mutex<Identities>,
}

/// The deliveries of a session.
struct Deliveries {
    consumer: Consumer,
    /// The time at which the server was last heard of.
    heard: Instant,
}

#[derive(Clone)]
struct Session {
    channel: Channel,
    lost: CancellationToken,
}

impl RabbitQueue {
    /// Creates a source. It connects when an intake runs.
    ///
    /// # Errors
    ///
    /// Fails if the name of the queue is longer than 255 bytes.
    pub fn new(settings: Settings, clock: Clock) -> Result<Self, SourceError> {
        let queue = ShortString::try_new(settings.queue.clone()).map_err(SourceError::new)?;
        Ok(Self {
            info: SourceInfo::new(&settings.name, &settings.address, settings.bounds),
            settings,
            clock,
            queue,
            connection: tokio::sync::Mutex::default(),
            deliveries: tokio::sync::Mutex::default(),
            session: Mutex::default(),
            identities: Mutex::default(),
        })
    }

    /// Returns the connection, after connecting if there is none.
    async fn connection(&self) -> Result<Arc<Connection>, SourceError> {
        let mut known = self.connection.lock().await;
        if let Some(connection) = &*known
            && connection.status().connected()
        {
            return Ok(connection.clone());
        }
        *known = None;
        let properties =
            ConnectionProperties::default().with_connection_name("webhook-sender".into());
        let transport = Transport::to(&self.settings.address, self.settings.max_body())?;
        let uri = self.settings.address.for_transport();
        let connecting = Connection::connect_uri_with_runtime(uri, properties, transport);
        let connection = Arc::new(within(connecting).await?);
        *known = Some(connection.clone());
        Ok(connection)
    }

    /// Returns the number of messages that are ready. Fails if there is no such queue.
    async fn ready(&self) -> Result<u64, SourceError> {
        let connection = self.connection().await?;
        let channel = within(connection.create_channel()).await?;
        let passive = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let declared = channel.queue_declare(self.queue.clone(), passive, FieldTable::default());
        let ready = within(declared).await?.message_count().into();
        // The server forgets a channel that cannot be closed together with the connection.
        let _ = within(channel.close(200, "done".into())).await;
        Ok(ready)
    }

    fn session(&self) -> Option<Session> {
        let session = self.session.lock();
        session.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_session(&self, session: Option<Session>) -> Option<Session> {
        let mut known = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut known, session)
    }

    fn identities(&self) -> std::sync::MutexGuard<'_, Identities> {
        let identities = self.identities.lock();
        identities.unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the next delivery, or `None` if none comes in time.
    async fn wait(&self, deliveries: &mut Deliveries) -> Result<Option<Delivery>, SourceError> {
        match timeout(WAIT, deliveries.consumer.next()).await {
            Ok(Some(delivery)) => {
                deliveries.heard = Instant::now();
                Ok(Some(delivery.map_err(SourceError::from)?))
            }
            Ok(None) => Err(SourceError::new(format!(
                "the server has ended the delivery of queue `{}`",
                self.settings.queue
            ))),
            Err(_) => {
                if deliveries.heard.elapsed() > CHECK {
                    self.ready().await?;
                    deliveries.heard = Instant::now();
                }
                Ok(None)
            }
        }
    }

    fn entry(&self, delivery: Delivery) -> SourceEntry {
        let (tag, redelivered) = (delivery.delivery_tag, delivery.redelivered);
        let properties = &delivery.properties;
        let message_id = properties.message_id().as_ref().map(ShortString::as_str);
        let (body, cut) = body_limit::restore(delivery.data.into(), self.settings.max_body());
        let message = Message {
            id: tag.to_string(),
            headers: properties
                .headers()
                .as_ref()
                .map(headers)
                .unwrap_or_default(),
            content_type: properties
                .content_type()
                .as_ref()
                .map(ShortString::to_string),
            key: None,
            body,
            cut,
        };
        let delivered = Delivered {
            tag,
            redelivered,
            message_id: message_id.filter(|id| !id.is_empty()),
        };
        let place = QueueName {
            source: &self.settings.name,
            vhost: self.settings.address.vhost(),
            queue: &self.settings.queue,
        };
        let derived = self.identities().derive(place, &message, delivered);
        message.read(&Context {
            source: &self.info.name,
            derived: &derived,
            tenant: self.settings.tenant.as_ref(),
            redelivered,
            max_data_bytes: self.settings.bounds.max_data_bytes,
            now: self.clock.now(),
        })
    }

    /// Ends a connection on which messages may be left that are not acknowledged: the server delivers
    /// them again when it notices the end.
    async fn disconnect(&self) {
        *self.connection.lock().await = None;
    }
}

/// Acknowledges deliveries: in one frame if no others were delivered before the last of them.
async fn acknowledge(
    channel: &Channel,
    tags: &[u64],
    all_before: bool,
) -> Result<(), lapin::Error> {
    if all_before {
        let last = tags.iter().max().copied().unwrap_or_default();
        return channel
            .basic_ack(last, BasicAckOptions { multiple: true })
            .await;
    }
    for tag in tags {
        channel.basic_ack(*tag, BasicAckOptions::default()).await?;
    }
    Ok(())
}

#[async_trait]
impl Source for RabbitQueue {
    async fn connect(&self) -> Result<Connected, SourceError> {
        let connection = self.connection().await?;
        let channel = within(connection.create_channel()).await?;
        let prefetch = self.settings.prefetch();
        within(channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
        let consuming = channel.basic_consume(
            self.queue.clone(),
            ShortString::default(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = within(consuming).await?;
        let lost = CancellationToken::new();
        self.set_session(Some(Session {
            channel,
            lost: lost.clone(),
        }));
        *self.deliveries.lock().await = Some(Deliveries {
            consumer,
            heard: Instant::now(),
        });
        Ok(Connected::Reading(lost))
    }

    async fn next(&self, room: Room) -> Result<Read, SourceError> {
        let mut deliveries = self.deliveries.lock().await;
        let Some(deliveries) = deliveries.as_mut() else {
            return Ok(Read::End);
        };
        let first = match self.wait(deliveries).await {
            Ok(Some(first)) => first,
            Ok(None) => return Ok(Read::Entries(Vec::new())),
            Err(error) => {
                if let Some(session) = self.session() {
                    session.lost.cancel();
                }
                return Err(error);
            }
        };
        let mut entries = vec![self.entry(first)];
        let mut bytes = entries[0].bytes;
        while entries.len() < room.entries && bytes < room.bytes {
            // A failure is found again by the next call.
            let Some(Some(Ok(delivery))) = deliveries.consumer.next().now_or_never() else {
                break;
            };
            entries.push(self.entry(delivery));
            bytes += entries.last().map_or(0, |entry| entry.bytes);
        }
        Ok(Read::Entries(entries))
    }

    async fn acknowledge(&self, ids: &[String]) -> Result<usize, SourceError> {
        let tags: Vec<u64> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        let Some(Session { channel, .. }) = self.session() else {
            return Ok(0);
        };
        let all_before = self.identities().settled(&tags);
        within(acknowledge(&channel, &tags, all_before)).await?;
        Ok(tags.len())
    }

    async fn release(&self) -> Result<(), SourceError> {
        *self.deliveries.lock().await = None;
        let session = self.set_session(None);
        self.identities().session_ended();
        if let Some(Session { channel, .. }) = session
            && channel.status().connected()
        {
            // The server queues entries again that are not acknowledged.
            let closed = within(channel.close(200, "released".into())).await;
            if closed.is_err() {
                self.disconnect().await;
            }
            return closed;
        }
        Ok(())
    }

    async fn lag(&self) -> Result<Option<u64>, SourceError> {
        self.ready().await.map(Some)
    }

    async fn ping(&self) -> Result<(), SourceError> {
        self.ready().await.map(drop)
    }

    fn info(&self) -> &SourceInfo {
        &self.info
    }
}

/// Waits for a reply of the server, which may be frozen.
async fn within<T>(reply: impl Future<Output = Result<T, lapin::Error>>) -> Result<T, SourceError> {
    match timeout(RESPONSE_TIMEOUT, reply).await {
        Ok(reply) => Ok(reply?),
        Err(_) => Err(SourceError::new(format!(
            "the server has not responded within {RESPONSE_TIMEOUT:?}"
        ))),
    }
}

impl From<lapin::Error> for SourceError {
    fn from(error: lapin::Error) -> Self {
        Self::new(error)
    }
}

/// Returns the headers that have a text, a number or a time.
fn headers(table: &FieldTable) -> Vec<(Bytes, Bytes)> {
    let header = |(name, value): (&ShortString, &AMQPValue)| {
        let name = Bytes::copy_from_slice(name.as_str().as_bytes());
        Some((name, text(value)?))
    };
    table.inner().iter().filter_map(header).collect()
}

fn text(value: &AMQPValue) -> Option<Bytes> {
    let shown = match value {
        AMQPValue::LongString(text) => return Some(Bytes::copy_from_slice(text.as_bytes())),
        AMQPValue::ByteArray(bytes) => return Some(Bytes::copy_from_slice(bytes.as_slice())),
        AMQPValue::ShortString(text) => text.to_string(),
        AMQPValue::Boolean(value) => value.to_string(),
        AMQPValue::ShortShortInt(value) => value.to_string(),
        AMQPValue::ShortShortUInt(value) => value.to_string(),
        AMQPValue::ShortInt(value) => value.to_string(),
        AMQPValue::ShortUInt(value) => value.to_string(),
        AMQPValue::LongInt(value) => value.to_string(),
        AMQPValue::LongUInt(value) => value.to_string(),
        AMQPValue::LongLongInt(value) => value.to_string(),
        AMQPValue::Float(value) => value.to_string(),
        AMQPValue::Double(value) => value.to_string(),
        // Seconds.
        AMQPValue::Timestamp(value) => value.to_string(),
        AMQPValue::DecimalValue(_)
        | AMQPValue::FieldArray(_)
        | AMQPValue::FieldTable(_)
        | AMQPValue::Void => return None,
    };
    Some(shown.into())
}
