//! An outbox of its own, on a server that the tests share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use event_sources::postgres_outbox::{Outbox, Settings, Table};
use event_sources::{Bounds, Intake, Source, Stats};
use postgres_link::{Address, Connector};
use test_support::postgres::shared_url;
use test_support::with_timeout;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};
use tokio_util::sync::CancellationToken;
use webhook_model::Clock;

use crate::contract::outbox::source;
use crate::recorder::Recorder;

pub struct World {
    pub url: String,
    pub table: Table,
    name: String,
}

/// A running intake. It ends when this is dropped.
pub struct Running {
    pub stats: Arc<Stats>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl World {
    /// Creates a table.
    pub async fn new() -> Self {
        static TABLES: AtomicU32 = AtomicU32::new(1);
        let name = format!("Outbox \"{}\"", TABLES.fetch_add(1, Ordering::Relaxed));
        let url = shared_url().await;
        // The schema of a store.
        let url = url.split('?').next().unwrap().to_owned();
        let table = Table::new(Table::SCHEMA, &name).unwrap();
        let world = Self { url, table, name };
        world.create("").await;
        world
    }

    /// Creates the table, after other statements, in one transaction. One test at a time: the tables share
    /// a function, and PostgreSQL fails if two transactions replace it at once.
    pub async fn create(&self, before: &str) {
        let ddl = self.table.ddl();
        let sql = format!("BEGIN; SELECT pg_advisory_xact_lock(1); {before} {ddl} COMMIT");
        self.sql(&sql).await;
    }

    /// Connects as an application does.
    pub async fn client(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    pub async fn sql(&self, sql: &str) {
        self.client().await.batch_execute(sql).await.unwrap();
    }

    /// Inserts a row whose data is this text.
    pub async fn insert(&self, client: &Client, data: &str) {
        let table = &self.table;
        let sql = format!(
            "INSERT INTO {table} (tenant, type, data) VALUES ('acme', 'a.b', $1::text::json)"
        );
        client.execute(&sql, &[&data]).await.unwrap();
    }

    pub async fn rows(&self) -> i64 {
        let sql = format!("SELECT count(*) FROM {}", self.table);
        self.client()
            .await
            .query_one(&sql, &[])
            .await
            .unwrap()
            .get(0)
    }

    /// Waits until the table has this many rows.
    pub async fn has_rows(&self, count: i64) {
        let reached = async {
            while self.rows().await != count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        with_timeout(reached, || format!("{count} rows in {}", self.table)).await;
    }

    pub fn intake(&self, sink: &Arc<Recorder>) -> Running {
        let bounds = Bounds::shared_by(1, 1000);
        Self::run(source(&self.url, &self.name, "source", bounds), sink)
    }

    /// Starts an intake that connects to another address, and whose connection the server ends after a
    /// second without a sign of life.
    pub fn intake_at(&self, address: SocketAddr, sink: &Arc<Recorder>) -> Running {
        let url = format!("postgres://postgres@{address}/postgres");
        let connector = Connector::new(Address::parse(&url).unwrap()).unwrap();
        let settings = Settings {
            lease: Duration::from_secs(1),
            ..Settings::new("source", connector, self.table.clone())
        };
        Self::run(Outbox::new(settings, Clock::system()), sink)
    }

    /// Returns the address of the server.
    pub fn address(&self) -> SocketAddr {
        let (_, rest) = self.url.split_once('@').unwrap();
        rest.split('/').next().unwrap().parse().unwrap()
    }

    fn run(outbox: Outbox, sink: &Arc<Recorder>) -> Running {
        let stats = outbox.info().stats.clone();
        let (intake, stop) = (Intake::new(outbox, sink.clone()), CancellationToken::new());
        let token = stop.clone();
        let task = tokio::spawn(async move { intake.run(token).await });
        Running { stats, stop, task }
    }
}

impl Running {
    pub async fn stop(mut self) {
        self.stop.cancel();
        with_timeout(&mut self.task, || "the intake to stop".into())
            .await
            .unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}
