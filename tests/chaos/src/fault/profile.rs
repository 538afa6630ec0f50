//! The rows of the matrix.

use std::time::Duration;

use super::kind::Fault;
use crate::column::Column::{self, Postgres, Redis, RedisSource, RedisStream, Sqlite};
use crate::hostile::Hostile;
use crate::tools::Tool;

/// The row of a fault: its columns, its duration and its permitted effects.
pub struct Profile {
    pub fault: Fault,
    pub name: &'static str,
    /// The description in the matrix.
    pub text: &'static str,
    pub columns: &'static [Column],
    pub hold: Duration,
    /// The promise of this row in addition to the five common ones.
    pub promise: &'static str,
    /// Set if the sender cannot work during the fault, so that `/readyz` must not return 200.
    pub stops_work: bool,
    /// Set if deliveries to the healthy endpoint can fail during the fault.
    pub stops_receiver: bool,
    /// The number of processes that die with deliveries in flight.
    pub deaths: usize,
    /// Set if the store loses confirmed writes.
    pub loses: bool,
    /// Set if the fault lasts until the sender has stopped.
    pub lasts: bool,
    /// Set if the fault replaces sender processes and therefore cannot overlap with others.
    pub restarts: bool,
    pub tools: &'static [Tool],
}

const EVERY: &[Column] = &Column::ALL;
const BOTH: &[Column] = &[Sqlite, Redis];
const STREAMS: &[Column] = &[RedisStream, RedisSource];
/// Every store, with events through the API.
const STORES: &[Column] = &[Sqlite, Postgres, Redis];
const SERVERS: &[Column] = &[Postgres, Redis, RedisStream, RedisSource];
const REDIS: &[Column] = &[Redis, RedisStream, RedisSource];
const SHARED: &[Column] = &[Redis, RedisStream];
const FAILING_OVER: &[Column] = &[Postgres, Redis, RedisStream];
const LINUX: &[Tool] = &[Tool::Linux];

const fn row(
    fault: Fault,
    name: &'static str,
    columns: &'static [Column],
    hold_ms: u64,
    text: &'static str,
    promise: &'static str,
) -> Profile {
    Profile {
        fault,
        name,
        text,
        columns,
        hold: Duration::from_millis(hold_ms),
        promise,
        stops_work: false,
        stops_receiver: false,
        deaths: 0,
        loses: false,
        lasts: false,
        restarts: false,
        tools: &[],
    }
}

impl Profile {
    const fn stops_work(mut self) -> Self {
        self.stops_work = true;
        self
    }

    const fn stops_receiver(mut self) -> Self {
        self.stops_receiver = true;
        self
    }

    const fn deaths(mut self, deaths: usize) -> Self {
        self.deaths = deaths;
        self
    }

    const fn loses(mut self) -> Self {
        self.loses = true;
        self
    }

    const fn lasts(mut self) -> Self {
        self.lasts = true;
        self
    }

    const fn restarts(mut self) -> Self {
        self.restarts = true;
        self
    }

    const fn needs(mut self, tools: &'static [Tool]) -> Self {
        self.tools = tools;
        self
    }
}

const fn hostile(kind: Hostile, name: &'static str, text: &'static str) -> Profile {
    let promise = "the healthy endpoint beside it is served as before";
    row(Fault::Receiver(kind), name, BOTH, 3000, text, promise).lasts()
}

impl Fault {
    /// Returns the profile of the fault.
    pub fn profile(self) -> &'static Profile {
        let found = ALL.iter().find(|profile| profile.fault == self);
        found.expect("every fault has a row")
    }

    /// Returns every fault, in the order of the matrix.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.iter().map(|profile| profile.fault)
    }
}

/// Every row, in the order of the matrix.
#[rustfmt::skip]
static ALL: &[Profile] = &[
    row(Fault::SenderKilled, "kill-sender", EVERY, 500,
        "the sender is killed (SIGKILL) and started again",
        "what was in flight is delivered once more at most").deaths(1).restarts(),
    row(Fault::OneOfThreeKilled, "kill-one-of-three", SERVERS, 100,
        "one of three senders on one store is killed",
        "the others deliver what it had in flight once its lease has run out").deaths(1).restarts(),
    row(Fault::StoreKilled, "kill-store", SERVERS, 2000,
        "the store's server is killed and started again (Redis with `appendfsync always`)",
        "outcomes are kept in memory and recorded once it is back").stops_work().deaths(1),
    row(Fault::SourceKilled, "kill-source", &[RedisSource], 2000,
        "the Redis of the stream is killed and started again",
        "entries without an acknowledgement are read again").stops_work().deaths(1),
    row(Fault::ReceiverKilled, "kill-receiver", EVERY, 3000,
        "the receiver is killed and started again",
        "deliveries are attempted again by their schedule").stops_receiver().deaths(1),
    row(Fault::StoreFrozenBriefly, "freeze-store-briefly", SERVERS, 2000,
        "the store's server is frozen (SIGSTOP) for less than the lease",
        "nothing is delivered twice").stops_work(),
    row(Fault::StoreFrozen, "freeze-store", SERVERS, 6000,
        "the store's server is frozen for twice the lease",
        "nothing is delivered twice: a sole sender keeps what it has in flight").stops_work(),
    row(Fault::SourceFrozen, "freeze-source", &[RedisSource], 6000,
        "the Redis of the stream is frozen for twice the lease",
        "nothing is delivered twice").stops_work(),
    row(Fault::StoreFull, "full", EVERY, 6000,
        "the store is full for twice the lease: Redis at `maxmemory`, the others on a full file system",
        "outcomes are kept and recorded once there is room").stops_work(),
    row(Fault::StoreFlushed, "flush", REDIS, 1000,
        "`FLUSHALL` on the store",
        "tenants and endpoints of the file are restored before the next event is judged").loses(),
    row(Fault::StoreEmptied, "restart-empty", REDIS, 1000,
        "Redis without persistence is killed and started again",
        "as for a flushed store").stops_work().loses(),
    row(Fault::StoreReadOnly, "read-only", REDIS, 5000,
        "Redis is made a replica, which refuses writes, and then a primary again",
        "outcomes are kept and recorded once it is writable").stops_work(),
    row(Fault::StoreWithoutReplicas, "no-replicas", SHARED, 5000,
        "Redis refuses writes for want of replicas (`min-replicas-to-write`)",
        "as for a read-only store").stops_work(),
    row(Fault::StoreOnStandby, "standby", &[Postgres], 5000,
        "the address of PostgreSQL leads to a standby, which is read-only, and then to the primary again",
        "outcomes are kept and recorded once it is writable").stops_work(),
    row(Fault::ConnectionsExhausted, "no-connections", &[Postgres], 4000,
        "other clients take all connections of PostgreSQL (`max_connections`), also those of the sender",
        "what cannot connect waits, and goes on once there are connections").stops_work(),
    row(Fault::ConnectionsEnded, "end-connections", &[Postgres], 0,
        "connections of the sender are ended at random for three seconds (`pg_terminate_backend`)",
        "nothing is delivered twice, and nothing is recorded twice"),
    row(Fault::ReplicaPromoted, "promote", FAILING_OVER, 1000,
        "the store's server is killed and its replica promoted behind the same address",
        "only what the replica did not have can be lost: with PostgreSQL, whose standby is synchronous, nothing").stops_work().loses().deaths(1),
    row(Fault::LogReaderGone, "log-reader-gone", BOTH, 2000,
        "the reader of standard error exits",
        "lines are dropped; deliveries go on").lasts().needs(LINUX),
    row(Fault::LogDiskFull, "log-disk-full", BOTH, 2000,
        "standard error is a file on a full disk (`/dev/full`)",
        "lines are dropped; deliveries go on").lasts().needs(LINUX),
    row(Fault::LogNotDrained, "log-not-drained", BOTH, 4000,
        "standard error is a pipe that nobody reads",
        "lines are dropped; deliveries go on").lasts().needs(LINUX),
    row(Fault::FewDescriptors, "few-descriptors", STORES, 3000,
        "the limit of descriptors is lowered to those in use and two more (`prlimit`)",
        "what cannot connect is attempted again").stops_receiver().needs(LINUX),
    row(Fault::LittleMemory, "little-memory", STREAMS, 0,
        "the sender has little memory (RLIMIT_DATA), and more large entries wait for it than fit",
        "memory is bounded by bytes: the process goes on, and every entry is delivered")
        .restarts().needs(LINUX),
    row(Fault::ClockAhead, "clock-ahead", STORES, 4000,
        "the sender's clock is an hour ahead, and then correct again",
        "due times move back with the clock").stops_receiver().needs(&[Tool::Linux, Tool::Faketime]),
    row(Fault::ClockBehind, "clock-behind", STORES, 4000,
        "the sender's clock is an hour behind, and then correct again",
        "nothing waits for the hour").stops_receiver().needs(&[Tool::Linux, Tool::Faketime]),
    row(Fault::PartialHeads, "partial-heads", BOTH, 3000,
        "a hundred API clients send half of a request's head, and stay",
        "other clients and deliveries are served; a stop does not wait for them").lasts(),
    row(Fault::PartialBodies, "partial-bodies", BOTH, 3000,
        "a hundred API clients send half of an event, and stay",
        "as above").lasts(),
    row(Fault::UnreadResponses, "unread-responses", BOTH, 3000,
        "a hundred API clients request much or follow the live stream, and read nothing",
        "as above").lasts(),
    hostile(Hostile::Hangs, "receiver-hangs", "a receiver never responds"),
    hostile(Hostile::Drips, "receiver-drips", "a receiver responds a byte at a time, without end"),
    hostile(Hostile::Floods, "receiver-floods", "a receiver responds with a body without end"),
    hostile(Hostile::Resets, "receiver-resets", "a receiver resets every connection"),
    hostile(Hostile::SilentHttp2, "receiver-silent-http2",
        "a receiver of HTTP/2 stops reading and writing"),
    hostile(Hostile::OddHeads, "receiver-odd-heads",
        "a receiver responds 200 with a malformed head: it has succeeded, and is called once"),
    hostile(Hostile::Redirects, "receiver-redirects",
        "a receiver redirects to another: the other is not called"),
    row(Fault::ResolverGone, "resolver-gone", BOTH, 5000,
        "the name server stops responding",
        "endpoints by address are served as before, and those by name afterwards")
        .needs(&[Tool::Linux, Tool::Mount]),
    row(Fault::StopsAtStart, "stop-at-start", STORES, 0,
        "SIGTERM and SIGINT at every moment of start",
        "each stops the sender in time, with exit code 0").restarts().needs(LINUX),
    row(Fault::StopsWaitingForStore, "stop-without-store", FAILING_OVER, 0,
        "SIGTERM and SIGINT during a start that waits for a frozen server",
        "each stops the sender in time, with exit code 0").restarts().needs(LINUX),
    row(Fault::StopsWaitingForName, "stop-without-name", &[Postgres, Redis], 0,
        "SIGTERM during a start that waits for the sender's name, which another process has",
        "it stops in time, with exit code 0; the other is not affected").needs(LINUX),
    row(Fault::ReloadsAtStart, "reload-at-start", STORES, 0,
        "SIGHUP at every moment of start",
        "the sender starts").restarts().needs(LINUX),
    row(Fault::ReloadsUnderLoad, "reload-under-load", BOTH, 0,
        "SIGHUP twenty times within three seconds",
        "nothing is delivered twice"),
    row(Fault::StopsDuringReload, "stop-during-reload", STORES, 0,
        "SIGTERM and SIGINT at every moment of a reload",
        "each stops the sender in time, with exit code 0").restarts(),
    row(Fault::SignalsDuringStop, "signals-during-stop", STORES, 0,
        "SIGHUP during a stop, and a second SIGTERM",
        "SIGHUP changes nothing; the second SIGTERM ends it at once").deaths(1).restarts(),
    row(Fault::FileEmpty, "file-empty", STORES, 2000,
        "SIGHUP with an empty configuration file, and then with the whole one",
        "the reload is refused; nothing is deleted"),
    row(Fault::FileCut, "file-cut", STORES, 2000,
        "SIGHUP with a configuration file that was cut anywhere, and then with the whole one",
        "the reload is refused; nothing is deleted"),
    row(Fault::ManyEndpoints, "many-endpoints", STORES, 0,
        "a tenant has 5,000 endpoints, and the sender is killed and started again",
        "the start takes less than ten seconds").deaths(1).restarts(),
];
