//! Connections: their deadlines, and the settings of their sessions.

use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime,
};
use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Address;
use super::fault::{Fault, Outcome, describe};
use super::open_error::OpenError;
use super::session::Session;

/// The deadline of a connection, for each address of the host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The deadline of a connection with its settings, over all hosts.
const SETUP_TIMEOUT: Duration = Duration::from_secs(15);

/// The time for which a call waits for one of the connections.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// The number of connections of a process, beside the one that listens. A write waits for the disk of
/// the server most of the time, and writes of several connections share one flush.
const CONNECTIONS: usize = 8;

/// The settings of every session.
///
/// The plan of a statement does not depend on statistics: these describe an empty table when a process
/// starts, and the plan of a prepared statement stays in use while the table grows. By these settings
/// the planner prefers the index of which it reads the fewest entries, in nested loops. For the same
/// reason, statements that find rows by their keys compare `state + 0`, which no index has, and
/// lookups end with `OFFSET 0`, which keeps the planner from turning them around. The timeouts end a statement on the server when the
/// process has given up on it, and a transaction whose process is frozen.
const SETTINGS: &str = "
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off;
    SET enable_bitmapscan = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;
    SET cpu_index_tuple_cost = 10;
    SET random_page_cost = 0.1;
    SET seq_page_cost = 0.1;
    SET jit = off;
    SET statement_timeout = '10s';
    SET lock_timeout = '8s';
    SET idle_in_transaction_session_timeout = '20s';
    SET client_min_messages = error;";

/// The connections to one database.
#[derive(Clone)]
pub(super) struct Connector {
    pub address: Address,
    config: Config,
    tls: MakeRustlsConnect,
}

impl Connector {
    pub fn new(address: Address) -> Result<Self, OpenError> {
        let tls = super::tls::connector(&address.tls)?;
        let mut config = address.config.clone();
        if config.get_application_name().is_none() {
            config.application_name("webhook-sender");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        config
            .keepalives_idle(Duration::from_secs(15))
            .keepalives_interval(Duration::from_secs(5))
            .tcp_user_timeout(Duration::from_secs(15));
        Ok(Self {
            address,
            config,
            tls,
        })
    }

    /// Returns the statements that a session begins with.
    fn settings(&self) -> String {
        format!("SET search_path = \"{}\";{SETTINGS}", self.address.schema)
    }

    /// Returns a pool, which connects when a connection is needed.
    pub fn pool(&self) -> Result<Pool, OpenError> {
        let config = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(self.config.clone(), self.tls.clone(), config);
        let settings = self.settings();
        let set = Hook::async_fn(move |client, _| {
            let settings = settings.clone();
            Box::pin(async move {
                let set = client.batch_execute(&settings).await;
                set.map_err(HookError::Backend)
            })
        });
        Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT_TIMEOUT))
            .create_timeout(Some(SETUP_TIMEOUT))
            .post_create(set)
            .build()
            .map_err(|error| OpenError::Tls(error.to_string()))
    }

    /// Returns a connection outside of the pool, whose `Connection` the caller must poll.
    pub async fn connect(&self) -> Result<Direct, ConnectError> {
        let connected = timeout(SETUP_TIMEOUT, self.config.connect(self.tls.clone())).await;
        connected
            .map_err(|_| ConnectError::Timeout)?
            .map_err(ConnectError::Sql)
    }
}

/// A connection outside of the pool.
pub(super) type Direct = (
    Client,
    Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>,
);

/// The reason why a connection was not established.
#[derive(Debug)]
pub(super) enum ConnectError {
    Timeout,
    Sql(tokio_postgres::Error),
}

impl ConnectError {
    pub fn of(self, address: &Address) -> OpenError {
        match self {
            Self::Timeout => OpenError::Unreachable {
                address: Box::new(address.clone()),
                detail: "it did not respond in time".into(),
            },
            Self::Sql(error) => OpenError::connect(address, &error),
        }
    }
}

/// Returns a connection of the pool.
pub(super) async fn session(pool: &Pool) -> Outcome<Session> {
    match pool.get().await {
        Ok(client) => Ok(Session::new(client)),
        Err(PoolError::Backend(error))
        | Err(PoolError::PostCreateHook(HookError::Backend(error))) => {
            Err(Fault::Pool(describe(&error)))
        }
        Err(PoolError::Timeout(_)) => {
            Err(Fault::Pool("no connection became available in time".into()))
        }
        Err(error) => Err(Fault::Pool(error.to_string())),
    }
}
