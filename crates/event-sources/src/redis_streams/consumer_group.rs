//! The parts of a source that a session of the reader uses.

use webhook_model::Clock;

use super::settings::Settings;
use super::stream::Stream;
use crate::source::SourceInfo;
use crate::unsettled::Unsettled;

/// A stream and its consumer group.
pub(super) struct ConsumerGroup {
    pub(super) settings: Settings,
    pub(super) info: SourceInfo,
    pub(super) clock: Clock,
    pub(super) stream: Stream,
    /// The number of entries that were read and are not acknowledged.
    pub(super) unsettled: Unsettled,
}
