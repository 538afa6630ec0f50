//! The pool of connections, and the settings of their sessions.

use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime,
};
use postgres_link::{ConnectError, Connector, SETUP_TIMEOUT, describe};

use super::fault::{Fault, FaultResult};
use super::session::Session;

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

/// Returns a pool, which connects when a connection is needed.
pub(super) fn pool(connector: &Connector) -> Result<Pool, ConnectError> {
    let config = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let (settings, tls) = connector.parts();
    let manager = Manager::from_config(settings, tls, config);
    let path = connector.address().schema();
    let settings = format!("SET search_path = \"{path}\";{SETTINGS}");
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
        .map_err(|error| ConnectError::Tls(error.to_string()))
}

/// Returns a connection of the pool.
pub(super) async fn session(pool: &Pool) -> FaultResult<Session> {
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
