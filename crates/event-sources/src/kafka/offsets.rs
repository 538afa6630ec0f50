//! Requests about offsets. All of them block, at most until a deadline.

use std::time::{Duration, Instant};

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{Callbacks, RESPONSE_TIMEOUT};
use super::positions::{Begin, Partition, Position};

/// The metadata of a commit while its partition is being read.
const READING: &str = "reading";

/// The time until which a call may wait.
struct Deadline(Instant);

impl Deadline {
    fn new() -> Self {
        Self(Instant::now() + RESPONSE_TIMEOUT)
    }

    fn left(&self) -> Duration {
        let left = self.0.saturating_duration_since(Instant::now());
        left.max(Duration::from_millis(1))
    }
}

/// Returns the identity of the cluster, and the partitions of topics.
pub(super) fn partitions(
    client: &impl Consumer<Callbacks>,
    topics: &[String],
) -> Result<(String, Vec<Partition>), (String, KafkaError)> {
    let deadline = Deadline::new();
    let mut all = Vec::new();
    for topic in topics {
        let failed = |error| (format!("topic `{topic}`"), error);
        let metadata = client.fetch_metadata(Some(topic), deadline.left());
        let metadata = metadata.map_err(failed)?;
        for found in metadata.topics() {
            if let Some(error) = found.error() {
                return Err(failed(KafkaError::MetadataFetch(error.into())));
            }
            all.extend(found.partitions().iter().map(|partition| Partition {
                topic: found.name().into(),
                number: partition.id(),
            }));
        }
    }
    // Brokers before version 0.10.1 have none.
    let cluster = client.client().fetch_cluster_id(deadline.left());
    Ok((cluster.unwrap_or_default(), all))
}

/// Marks partitions as being read, from their first entries on. Returns the state of each.
pub(super) fn begin(
    client: &impl Consumer<Callbacks>,
    first: &[Position],
) -> Result<Vec<(Partition, Begin)>, KafkaError> {
    let deadline = Deadline::new();
    let committed = client.committed_offsets(list(first)?, deadline.left())?;
    let mut begun = Vec::with_capacity(first.len());
    for (partition, offset) in first {
        let known = committed.find_partition(&partition.topic, partition.number);
        let left_behind = known.is_some_and(|known| known.metadata() == READING);
        let redelivered_before = if left_behind {
            let left = deadline.left();
            client
                .fetch_watermarks(&partition.topic, partition.number, left)?
                .1
        } else {
            0
        };
        let begin = Begin {
            committed: *offset,
            redelivered_before,
        };
        begun.push((partition.clone(), begin));
    }
    commit(client, first, true)?;
    Ok(begun)
}

/// Commits positions, with or without the mark of partitions that are being read. Returns `false` if the
/// members of the group are changing: partitions may be lost, and those that stay can be committed later.
pub(super) fn commit(
    client: &impl Consumer<Callbacks>,
    positions: &[Position],
    reading: bool,
) -> Result<bool, KafkaError> {
    let list = list(positions)?;
    if reading {
        for (partition, _) in positions {
            if let Some(mut one) = list.find_partition(&partition.topic, partition.number) {
                one.set_metadata(READING);
            }
        }
    }
    match client.commit(&list, CommitMode::Sync) {
        Ok(()) => Ok(true),
        Err(KafkaError::ConsumerCommit(
            RDKafkaErrorCode::RebalanceInProgress
            | RDKafkaErrorCode::IllegalGeneration
            | RDKafkaErrorCode::UnknownMemberId,
        )) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns the number of messages after the offsets of the group.
pub(super) fn lag(
    client: &impl Consumer<Callbacks>,
    partitions: &[Partition],
) -> Result<u64, KafkaError> {
    let deadline = Deadline::new();
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for partition in partitions {
        list.add_partition(&partition.topic, partition.number);
    }
    let committed = client.committed_offsets(list, deadline.left())?;
    let mut lag = 0;
    for partition in partitions {
        let left = deadline.left();
        let (oldest, next) = client.fetch_watermarks(&partition.topic, partition.number, left)?;
        let known = committed.find_partition(&partition.topic, partition.number);
        let read = match known.map(|known| known.offset()) {
            Some(Offset::Offset(offset)) => offset.max(oldest),
            _ => oldest,
        };
        lag += u64::try_from(next - read).unwrap_or(0);
    }
    Ok(lag)
}

fn list(positions: &[Position]) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::with_capacity(positions.len());
    for (partition, offset) in positions {
        let offset = Offset::Offset(*offset);
        list.add_partition_offset(&partition.topic, partition.number, offset)?;
    }
    Ok(list)
}
