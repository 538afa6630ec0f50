//! The cells of the matrix.

use crate::cell::Cell;
use crate::column::Column;
use crate::fault::Fault;
use crate::hostile::Hostile;

/// Returns every fault in each of its columns.
pub fn all(seed: u64) -> Vec<Cell> {
    let rows = Fault::all();
    let cells = rows.flat_map(|fault| {
        let columns = fault.profile().columns;
        columns
            .iter()
            .map(move |column| Cell::new(*column, fault, seed))
    });
    cells.collect()
}

/// Returns the cells of the test suite, which take a few minutes: they cover each part of the sender, and
/// each way to lose an event or to stop silently.
pub fn subset(seed: u64) -> Vec<Cell> {
    let cells = SUBSET.iter();
    cells
        .map(|(column, fault)| Cell::new(*column, *fault, seed))
        .collect()
}

const SUBSET: &[(Column, Fault)] = &[
    (Column::Sqlite, Fault::SenderKilled),
    (Column::RedisSource, Fault::SenderKilled),
    (Column::RedisStream, Fault::OneOfThreeKilled),
    (Column::RedisStream, Fault::StoreKilled),
    (Column::Postgres, Fault::StoreFrozen),
    (Column::Redis, Fault::StoreFrozen),
    (Column::Sqlite, Fault::StoreFull),
    (Column::Redis, Fault::StoreFull),
    (Column::Postgres, Fault::StoreFull),
    (Column::RedisStream, Fault::StoreFlushed),
    (Column::RedisSource, Fault::StoreFlushed),
    (Column::RedisStream, Fault::StoreEmptied),
    (Column::Redis, Fault::StoreReadOnly),
    (Column::Postgres, Fault::StoreOnStandby),
    (Column::Postgres, Fault::ConnectionsExhausted),
    (Column::Postgres, Fault::ConnectionsEnded),
    (Column::Redis, Fault::ReplicaPromoted),
    (Column::Postgres, Fault::ReplicaPromoted),
    (Column::Sqlite, Fault::LogReaderGone),
    (Column::Redis, Fault::LogNotDrained),
    (Column::Sqlite, Fault::LogDiskFull),
    (Column::RedisStream, Fault::LittleMemory),
    (Column::Redis, Fault::ClockAhead),
    (Column::Sqlite, Fault::ClockBehind),
    (Column::Sqlite, Fault::PartialHeads),
    (Column::Sqlite, Fault::UnreadResponses),
    (Column::Sqlite, Fault::Receiver(Hostile::Hangs)),
    (Column::Sqlite, Fault::Receiver(Hostile::SilentHttp2)),
    (Column::Sqlite, Fault::Receiver(Hostile::OddHeads)),
    (Column::Sqlite, Fault::ResolverGone),
    (Column::Redis, Fault::StopsAtStart),
    (Column::Redis, Fault::StopsWaitingForStore),
    (Column::Sqlite, Fault::StopsDuringReload),
    (Column::Sqlite, Fault::FileEmpty),
    (Column::Redis, Fault::FileCut),
];
