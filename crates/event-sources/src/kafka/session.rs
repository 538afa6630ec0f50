//! A session: one membership of the group.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message as _};
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::client::{Callbacks, MAX_EVENTS, blocking, config, drop_in_background, error};
use super::offsets;
use super::positions::{Partition, Position};
use super::settings::Settings;
use crate::source::Room;
use crate::{SourceError, message::Message};

/// The longest wait for messages.
const WAIT: Duration = Duration::from_millis(500);

/// The most bytes of a message's key that is an ordering key as it is.
const MAX_KEY_BYTES: usize = 256;

/// A message with its partition and offset.
pub(super) struct Received {
    pub partition: Partition,
    pub offset: i64,
    /// Milliseconds since 1970, as the message has it.
    pub timestamp: i64,
    pub message: Message,
}

/// A member of the group. Dropping it leaves the group.
pub(super) struct Session {
    /// Taken when the session is dropped.
    consumer: Option<Arc<StreamConsumer<Callbacks>>>,
    pub(super) cluster: String,
    /// Cancelled by the first failure.
    pub(super) lost: CancellationToken,
    failed: AtomicBool,
}

impl Session {
    /// Joins the group.
    pub(super) async fn join(
        settings: &Settings,
        callbacks: Callbacks,
    ) -> Result<Self, SourceError> {
        let consumer: StreamConsumer<Callbacks> = config(settings)
            .create_with_context(callbacks.clone())
            .map_err(error)?;
        let mut session = Self {
            consumer: Some(Arc::new(consumer)),
            cluster: String::new(),
            lost: CancellationToken::new(),
            failed: AtomicBool::new(false),
        };
        let (consumer, topics) = (session.consumer(), settings.topics.clone());
        let found = blocking(move || {
            let found = offsets::partitions(&*consumer, &topics);
            if found.is_err() {
                // Brings the reason to the callbacks.
                for _ in 0..MAX_EVENTS {
                    drop(consumer.recv().now_or_never());
                }
            }
            Ok(found)
        });
        let (cluster, _) = found.await?.map_err(|(topic, failure)| {
            callbacks.explain(SourceError::new(format!("{topic}: {failure}")))
        })?;
        session.cluster = cluster;
        let topics: Vec<_> = settings.topics.iter().map(String::as_str).collect();
        session.consumer().subscribe(&topics).map_err(error)?;
        Ok(session)
    }

    /// Returns the messages that are there, or the first one that comes in time.
    pub(super) async fn read(&self, room: Room) -> Result<Vec<Received>, SourceError> {
        let consumer = self.consumer();
        let mut all = Vec::new();
        let mut bytes = 0;
        while all.len() < room.entries && bytes < room.bytes.max(1) {
            let next = consumer.recv();
            let next = if all.is_empty() {
                timeout(WAIT, next).await.ok()
            } else {
                next.now_or_never()
            };
            match next {
                Some(Ok(message)) => {
                    all.push(received(&message));
                    bytes += all.last().map_or(0, |one| one.message.bytes());
                }
                Some(Err(failure)) if is_passing(&failure) => {}
                // After the messages: found again by the next call, if it lasts.
                Some(Err(_)) if !all.is_empty() => break,
                Some(Err(failure)) => {
                    let failure = consumer.context().explain(error(failure));
                    self.fail();
                    return Err(failure);
                }
                None => break,
            }
        }
        Ok(all)
    }

    /// Runs a call that blocks with the consumer.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&StreamConsumer<Callbacks>) -> Result<T, KafkaError> + Send + 'static,
    ) -> Result<T, SourceError> {
        let consumer = self.consumer();
        let result = blocking(move || call(&consumer)).await;
        result.inspect_err(|_| self.fail())
    }

    /// Leaves the group. Removes the mark of reading from partitions, unless the session has failed.
    pub(super) async fn leave(mut self, ended: Vec<Position>) -> Result<(), SourceError> {
        let Some(consumer) = self.consumer.take() else {
            return Ok(());
        };
        if self.failed.load(Ordering::Relaxed) {
            drop_in_background(consumer);
            return Ok(());
        }
        blocking(move || {
            if !ended.is_empty() {
                offsets::commit(&*consumer, &ended, false)?;
            }
            drop(consumer);
            Ok(())
        })
        .await
    }

    fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
        self.lost.cancel();
    }

    fn consumer(&self) -> Arc<StreamConsumer<Callbacks>> {
        self.consumer.clone().expect("it is taken at the end only")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(consumer) = self.consumer.take() {
            drop_in_background(consumer);
        }
    }
}

/// Returns `true` for what the library reports and then repairs by itself.
fn is_passing(failure: &KafkaError) -> bool {
    matches!(
        failure,
        KafkaError::PartitionEOF(_)
            | KafkaError::MessageConsumption(
                RDKafkaErrorCode::BrokerTransportFailure
                    | RDKafkaErrorCode::OperationTimedOut
                    | RDKafkaErrorCode::Resolve
                    | RDKafkaErrorCode::NodeUpdate
            )
    )
}

fn received(message: &BorrowedMessage<'_>) -> Received {
    let bytes = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
    Received {
        partition: Partition {
            topic: message.topic().into(),
            number: message.partition(),
        },
        offset: message.offset(),
        timestamp: message.timestamp().to_millis().unwrap_or_default(),
        message: Message {
            id: String::new(),
            headers: headers(message),
            content_type: None,
            key: message.key().and_then(ordering_key),
            body: message.payload().map(bytes).unwrap_or_default(),
            cut: 0,
        },
    }
}

fn headers(message: &BorrowedMessage<'_>) -> Vec<(Bytes, Bytes)> {
    let Some(headers) = message.headers() else {
        return Vec::new();
    };
    let header = |index| {
        // The library panics on a name that is not UTF-8. No field has such a name.
        let header = catch_unwind(AssertUnwindSafe(|| headers.try_get(index)));
        let header = header.ok().flatten()?;
        let value = Bytes::copy_from_slice(header.value.unwrap_or_default());
        Some((Bytes::copy_from_slice(header.key.as_bytes()), value))
    };
    (0..headers.count()).filter_map(header).collect()
}

/// Returns the ordering key of a message's key: the same text, or a hash of a key that is no such text.
fn ordering_key(key: &[u8]) -> Option<Bytes> {
    if key.is_empty() {
        return None;
    }
    let is_text = |text: &str| !text.chars().any(char::is_control);
    let fits = key.len() <= MAX_KEY_BYTES && std::str::from_utf8(key).is_ok_and(is_text);
    let hash = || hex::encode(Sha256::digest(key)).into();
    Some(if fits {
        Bytes::copy_from_slice(key)
    } else {
        hash()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_no_ordering_key_stands_for_itself_by_its_hash() {
        assert_eq!(ordering_key(b""), None);
        assert_eq!(ordering_key("größe".as_bytes()).unwrap(), "größe");
        for key in [&b"\0\0\0\x05"[..], b"\xff", &[b'x'; MAX_KEY_BYTES + 1]] {
            let hash = ordering_key(key).unwrap();
            assert_eq!(hash.len(), 64);
            assert_ne!(Some(hash), ordering_key(b"\xfe"));
        }
    }
}
