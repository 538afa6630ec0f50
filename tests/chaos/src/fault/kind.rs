//! The kinds of faults.

use crate::hostile::Hostile;

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    SenderKilled,
    OneOfThreeKilled,
    StoreKilled,
    SourceKilled,
    ReceiverKilled,
    StoreFrozenBriefly,
    StoreFrozen,
    SourceFrozen,
    StoreFull,
    StoreFlushed,
    StoreEmptied,
    StoreReadOnly,
    StoreWithoutReplicas,
    ReplicaPromoted,
    LogReaderGone,
    LogDiskFull,
    LogNotDrained,
    FewDescriptors,
    LittleMemory,
    ClockAhead,
    ClockBehind,
    PartialHeads,
    PartialBodies,
    UnreadResponses,
    Receiver(Hostile),
    ResolverGone,
    StopsAtStart,
    StopsWaitingForStore,
    StopsWaitingForName,
    ReloadsAtStart,
    ReloadsUnderLoad,
    StopsDuringReload,
    SignalsDuringStop,
    FileEmpty,
    FileCut,
    ManyEndpoints,
}
