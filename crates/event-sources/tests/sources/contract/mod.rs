//! The contract of every source, against real servers.
//!
//! A test starts one server and runs all scenarios of its kind on it, each on a queue of its own: a
//! RabbitMQ takes seconds to start. Scenarios that kill, freeze or empty the server come last. Those of
//! Kafka spend most of their time waiting for a group to form: each has a server of its own, and they run
//! together.

mod broker;
mod disruptions;
mod entry;
mod gateway;
mod kafka_client;
mod kafka_tls;
mod kafka_wire;
mod mock_kafka;
pub mod outbox;
mod partitions;
mod process;
mod proxy;
mod queue;
mod sasl;
mod scenarios;
mod tls;
mod world;

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::{LocalBoxFuture, join_all};

use crate::contract::broker::{Broker, Kind};
use crate::contract::world::World;

/// Calls a macro with its arguments and the scenarios that every source fulfils.
macro_rules! scenarios_of_all {
    ($run:ident, $broker:expr, $kind:expr, [$($more:tt)*]) => {
        $run!(
            $broker,
            $kind,
            [
                scenarios::the_backlog_is_read_in_order,
                scenarios::an_entry_is_acknowledged_only_when_it_is_durable,
                scenarios::entries_of_killed_processes_are_read_again_and_are_the_same_events,
                scenarios::an_invalid_entry_is_rejected_and_acknowledged,
                scenarios::an_entry_that_is_too_large_is_rejected_and_acknowledged,
                scenarios::large_entries_are_read_within_the_memory,
                scenarios::entries_that_are_too_large_are_read_within_the_memory,
                scenarios::equal_entries_of_two_sources_are_two_events,
                scenarios::a_tenant_whose_store_is_out_of_reach_delays_no_other,
                scenarios::the_order_of_a_tenant_is_kept_over_a_restart_of_the_reader,
                scenarios::a_reader_that_stops_leaves_nothing_half_done,
                scenarios::three_readers_share_a_queue,
                scenarios::an_entry_under_way_for_long_is_not_read_again,
                scenarios::the_lag_and_the_health_are_those_of_the_queue,
                disruptions::a_server_that_is_frozen_delays_entries_and_loses_none,
                disruptions::a_connection_that_is_cut_in_a_batch_loses_nothing,
                $($more)*
            ]
        )
    };
}

/// Runs scenarios one after another. The name of each is printed first: the output of a failed test names
/// it.
macro_rules! run {
    ($broker:expr, $kind:expr, [$($module:ident :: $scenario:ident),* $(,)?]) => {$(
        let name = stringify!($scenario);
        println!("{:?}: {name}", $kind);
        let mut world = World::new(&mut $broker, $kind, name).await;
        $module::$scenario(&mut world).await;
    )*};
}

/// A scenario under way. Returns its name, and `true` if it has passed.
type Running = LocalBoxFuture<'static, (&'static str, bool)>;

/// Adds scenarios to a list of those that run together.
macro_rules! begin {
    ($running:expr, $kind:expr, [$($module:ident :: $scenario:ident),* $(,)?]) => {$(
        let scenario = async {
            let mut broker = Broker::start($kind).await;
            let mut world = World::new(&mut broker, $kind, stringify!($scenario)).await;
            $module::$scenario(&mut world).await;
        };
        let ended = AssertUnwindSafe(scenario).catch_unwind();
        let named = ended.map(|ended| (stringify!($scenario), ended.is_ok()));
        $running.push(named.boxed_local());
    )*};
}

async fn fulfil_the_contract(kind: Kind) {
    let mut broker = Broker::start(kind).await;
    scenarios_of_all!(
        run,
        broker,
        kind,
        [
            disruptions::a_server_that_is_killed_and_restarted_loses_nothing,
            disruptions::a_server_that_is_restarted_without_its_data_is_read_again,
        ]
    );
}

/// Runs scenarios together.
async fn all_pass(running: Vec<Running>) {
    let ended = join_all(running).await;
    let failed = ended.iter().filter(|(_, passed)| !passed);
    let names: Vec<_> = failed.map(|(name, _)| *name).collect();
    assert_eq!(names, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_streams_fulfil_the_contract() {
    fulfil_the_contract(Kind::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_streams_fulfil_the_contract_by_resp3() {
    fulfil_the_contract(Kind::Resp3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_valkey_fulfil_the_contract() {
    fulfil_the_contract(Kind::Valkey).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn classic_queues_of_rabbitmq_fulfil_the_contract() {
    fulfil_the_contract(Kind::ClassicQueue).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quorum_queues_of_rabbitmq_fulfil_the_contract() {
    fulfil_the_contract(Kind::QuorumQueue).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outboxes_of_postgresql_fulfil_the_contract() {
    fulfil_the_contract(Kind::Outbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_jetstream_fulfils_the_contract() {
    fulfil_the_contract(Kind::JetStream).await;
}

// A mock cluster is not emptied.
#[tokio::test(flavor = "multi_thread")]
async fn kafka_fulfils_the_contract() {
    let mut running: Vec<Running> = Vec::new();
    scenarios_of_all!(
        begin,
        running,
        Kind::MockKafka,
        [
            disruptions::a_server_that_is_killed_and_restarted_loses_nothing,
            partitions::a_partition_revoked_in_a_batch_is_read_by_its_next_reader,
            partitions::entries_after_a_kill_are_marked_and_those_after_a_stop_are_not,
        ]
    );
    all_pass(running).await;
}

// A Tansu loses its data when it is killed, and keeps no marks. After two members have left a group whose
// partitions were moving, it forms no group any more.
#[tokio::test(flavor = "multi_thread")]
async fn kafka_fulfils_the_contract_with_a_broker_of_its_own_process() {
    let mut running: Vec<Running> = Vec::new();
    scenarios_of_all!(
        begin,
        running,
        Kind::Tansu,
        [disruptions::a_server_that_is_restarted_without_its_data_is_read_again]
    );
    all_pass(running).await;
}
