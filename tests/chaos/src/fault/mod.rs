//! Faults: each a value with a start and an end.

mod act;
mod api;
mod machine;
mod profile;
mod signals;
mod store;

pub use profile::Profile;

use crate::hostile::Hostile;

/// Something that goes wrong.
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

impl Fault {
    /// What the fault is, where it can happen, and what it may do.
    pub fn profile(self) -> &'static Profile {
        profile::of(self)
    }

    /// Every fault, in the order of the matrix.
    pub fn all() -> impl Iterator<Item = Self> {
        profile::ALL.iter().map(|profile| profile.fault)
    }
}
