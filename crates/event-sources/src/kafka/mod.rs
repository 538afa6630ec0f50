//! Kafka as a source: topics, read as a member of a consumer group.
//!
//! The group's offset of a partition is committed up to its first entry that is not durable, never beyond.
//! A session is one membership: it begins at the committed offsets, or with the oldest message. When a
//! partition moves to another member, its entries under way are forgotten here and read again there.
//!
//! Kafka does not report which messages were read before. A commit therefore carries a mark while its
//! partition is being read, which is removed when the reader stops in order. A reader that finds the mark
//! treats all messages that are already in the partition as redelivered.

#[cfg(feature = "kafka")]
mod client;
#[cfg(feature = "kafka")]
mod offsets;
#[cfg(feature = "kafka")]
mod positions;
#[cfg(feature = "kafka")]
mod session;
mod settings;
#[cfg(feature = "kafka")]
mod topics;

use std::sync::Arc;

use webhook_model::Clock;

pub use self::settings::{Address, AddressError, ClientCertificate, Sasl, Settings, Tls};
#[cfg(feature = "kafka")]
pub use self::topics::KafkaTopics;
use super::{Intake, Sink, SourceError};

/// True if this build can read Kafka: if it has the feature `kafka`.
pub const IS_BUILT: bool = cfg!(feature = "kafka");

/// Creates an intake of topics.
///
/// # Errors
///
/// Fails if this build has no Kafka.
#[cfg(feature = "kafka")]
pub fn intake(
    settings: Settings,
    clock: Clock,
    sink: Arc<dyn Sink>,
) -> Result<Intake, SourceError> {
    Ok(Intake::new(KafkaTopics::new(settings, clock), sink))
}

/// Creates an intake of topics.
///
/// # Errors
///
/// Fails if this build has no Kafka.
#[cfg(not(feature = "kafka"))]
pub fn intake(
    _settings: Settings,
    _clock: Clock,
    _sink: Arc<dyn Sink>,
) -> Result<Intake, SourceError> {
    Err(SourceError::new(
        "this program was built without the feature `kafka`",
    ))
}
