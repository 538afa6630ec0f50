//! The kinds of queues, and their servers.

use std::net::SocketAddr;
use std::time::Duration;

use test_support::nats::NatsServer;
use test_support::postgres::{self, PostgresServer};
use test_support::rabbitmq::RabbitServer;
use test_support::redis::{Fsync, RedisServer};
use test_support::tansu::TansuServer;

use crate::contract::mock_kafka::MockKafka;

/// The delay of responses that stands for a frozen broker. Shorter than a session of Kafka, in which there
/// is one heartbeat at a time.
const FROZEN: Duration = Duration::from_secs(3);

/// A kind of queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Redis,
    /// Redis by RESP3.
    Resp3,
    Valkey,
    ClassicQueue,
    QuorumQueue,
    JetStream,
    /// The mock cluster of the client library, in this process.
    MockKafka,
    /// A broker with the protocol of Kafka, which keeps everything in memory.
    Tansu,
    Outbox,
}

impl Kind {
    /// Returns whether entries that were read are counted by the server. If not, all that are found by a
    /// reader at its start count as read before.
    pub fn counts_reads(self) -> bool {
        self != Self::Outbox
    }

    /// Returns whether entries that were read before are recognised as such. Tansu does not keep the mark
    /// of a commit.
    pub fn knows_redelivered(self) -> bool {
        self != Self::Tansu
    }

    pub fn is_kafka(self) -> bool {
        matches!(self, Self::MockKafka | Self::Tansu)
    }

    /// Returns the code of the rejection of data that is not JSON.
    pub fn code_of_bad_data(self) -> &'static str {
        match self {
            // See `outbox::publish`.
            Self::Outbox => "bad-type",
            _ => "bad-data",
        }
    }
}

/// A server.
pub enum Broker {
    Redis(RedisServer),
    Rabbit(RabbitServer),
    Nats(NatsServer),
    Postgres(PostgresServer),
    MockKafka(MockKafka),
    Tansu(TansuServer),
}

macro_rules! each {
    ($broker:expr, $server:ident => $call:expr, mock => $mock:expr) => {
        match $broker {
            Broker::Redis($server) => $call,
            Broker::Rabbit($server) => $call,
            Broker::Nats($server) => $call,
            Broker::Postgres($server) => $call,
            Broker::Tansu($server) => $call,
            Broker::MockKafka($server) => $mock,
        }
    };
}

impl Broker {
    pub async fn start(kind: Kind) -> Self {
        match kind {
            Kind::Redis | Kind::Resp3 => Self::Redis(RedisServer::start(Fsync::Always).await),
            Kind::Valkey => Self::Redis(RedisServer::start_valkey(Fsync::Always).await),
            Kind::ClassicQueue | Kind::QuorumQueue => Self::Rabbit(RabbitServer::start().await),
            Kind::JetStream => Self::Nats(
                NatsServer::start_with("max_payload: 16777216\nmax_pending: 67108864\n").await,
            ),
            Kind::Outbox => Self::Postgres(PostgresServer::start(postgres::Fsync::Off).await),
            Kind::MockKafka => Self::MockKafka(MockKafka::start()),
            Kind::Tansu => Self::Tansu(TansuServer::start().await),
        }
    }

    pub fn address(&self) -> SocketAddr {
        each!(self, server => server.address(), mock => server.address())
    }

    pub fn kill(&mut self) {
        each!(self, server => server.kill(), mock => server.down());
    }

    pub fn stall(&self) {
        each!(self, server => server.stall(), mock => server.delay(FROZEN));
    }

    pub fn unstall(&self) {
        each!(self, server => server.unstall(), mock => server.delay(Duration::ZERO));
    }

    /// Starts a killed server again, with its data.
    pub async fn restart(&mut self) {
        match self {
            Self::Redis(server) => server.restart().await,
            Self::Rabbit(server) => server.restart().await,
            Self::Nats(server) => server.restart().await,
            Self::Postgres(server) => server.restart().await,
            Self::MockKafka(server) => server.up(),
            Self::Tansu(_) => unreachable!("its data are lost with it"),
        }
    }

    /// Creates a queue that only the server itself can create.
    pub fn create(&self, queue: &str, partitions: usize) {
        match self {
            Self::MockKafka(server) => {
                server.create_topic(queue, i32::try_from(partitions).unwrap());
            }
            Self::Tansu(server) => server.create_topic(queue, partitions),
            _ => {}
        }
    }

    pub async fn restart_empty(&mut self) {
        match self {
            Self::Redis(server) => {
                server.kill();
                let files = server.folder().join("appendonlydir");
                std::fs::remove_dir_all(files).expect("the data of a server since version 7");
                server.restart().await;
            }
            Self::Rabbit(server) => server.restart_empty().await,
            Self::Nats(server) => server.restart_empty().await,
            Self::Postgres(server) => server.restart_empty().await,
            Self::Tansu(server) => server.restart_empty().await,
            Self::MockKafka(_) => unreachable!("a mock cluster cannot be emptied"),
        }
    }
}
