//! Servers of stores: administration, replicas, unread stream entries, and a proxy.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use redis::Value;
use test_support::postgres::PostgresServer;
use test_support::redis::{Fsync, RedisServer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::config::{GROUP, STREAM};
use crate::traffic::connect;

/// The time limit for a command, and for a replica to synchronise.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// Runs one command on a server.
pub async fn command(server: &RedisServer, words: &[&str]) -> Result<Value> {
    let connection = connect(&server.url(), TIMEOUT).await;
    let mut connection = connection.context("redis-server does not respond")?;
    let value = redis::cmd(words[0])
        .arg(&words[1..])
        .query_async(&mut connection)
        .await;
    value.with_context(|| format!("redis-server refused {words:?}"))
}

/// Starts a standby of `primary`, which waits for it from now on before it confirms a commit.
pub async fn standby(primary: &PostgresServer) -> PostgresServer {
    let standby = primary.start_standby().await;
    primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.sql("SELECT pg_reload_conf()");
    standby
}

/// Starts a replica of `primary`, and waits until it is synchronised.
pub async fn replica(primary: &RedisServer) -> Result<RedisServer> {
    let of = format!("127.0.0.1 {}", primary.port());
    let replica = RedisServer::start_with(Fsync::EverySecond, &["--replicaof", &of]).await;
    for _ in 0..TIMEOUT.as_millis() / 50 {
        let info: String =
            redis::from_redis_value(command(&replica, &["INFO", "replication"]).await?)
                .context("INFO is text")?;
        if info.contains("master_link_status:up") {
            return Ok(replica);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the replica is not synchronised after {TIMEOUT:?}")
}

/// Returns the ids of the entries that are still at their source: unread or not acknowledged.
pub async fn at_source(server: &RedisServer) -> Result<HashSet<String>> {
    type Pending = Vec<(String, String, u64, u64)>;
    let count = "100000";
    let pending = command(server, &["XPENDING", STREAM, GROUP, "-", "+", count]).await?;
    let pending: Pending = redis::from_redis_value(pending).context("XPENDING lists entries")?;
    let groups = command(server, &["XINFO", "GROUPS", STREAM]).await?;
    let groups: Vec<std::collections::HashMap<String, Value>> =
        redis::from_redis_value(groups).context("XINFO lists groups")?;
    let last = groups
        .first()
        .and_then(|group| group.get("last-delivered-id"));
    let last: String = match last {
        Some(last) => redis::from_redis_value(last.clone()).context("an id")?,
        None => "0-0".into(),
    };
    let after = format!("({last}");
    let rest = command(server, &["XRANGE", STREAM, &after, "+"]).await?;
    let rest: redis::streams::StreamRangeReply =
        redis::from_redis_value(rest).context("XRANGE lists entries")?;
    let pending = pending.into_iter().map(|(id, ..)| id);
    Ok(pending
        .chain(rest.ids.into_iter().map(|entry| entry.id))
        .collect())
}

/// A proxy to a server that can be redirected to another one.
pub struct Link {
    pub address: SocketAddr,
    target: Arc<Mutex<SocketAddr>>,
    connections: Arc<Mutex<Vec<JoinHandle<()>>>>,
    accepting: JoinHandle<()>,
}

impl Link {
    pub async fn to(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let target = Arc::new(Mutex::new(target));
        let connections = Arc::<Mutex<Vec<JoinHandle<()>>>>::default();
        let accepting = tokio::spawn(accept(listener, target.clone(), connections.clone()));
        Ok(Self {
            address,
            target,
            connections,
            accepting,
        })
    }

    /// Redirects the proxy and closes its connections.
    pub fn redirect(&self, target: SocketAddr) {
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = target;
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for connection in connections.drain(..) {
            connection.abort();
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: Arc<Mutex<SocketAddr>>,
    connections: Arc<Mutex<Vec<JoinHandle<()>>>>,
) {
    while let Ok((mut near, _)) = listener.accept().await {
        let target = *target.lock().unwrap_or_else(PoisonError::into_inner);
        let forwarding = tokio::spawn(async move {
            if let Ok(mut far) = TcpStream::connect(target).await {
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            }
        });
        let mut connections = connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.push(forwarding);
    }
}
