//! A test platform for the producer: a real store with its real migrations, consumers with
//! configurable behaviour, a clock that advances only when all tasks wait, and a recorded log.
//!
//! The store is SQLite, or the server on which the test runs (`test_support::stores`).

#![allow(dead_code, reason = "each test binary uses only a part")]

mod call;
mod rows;
pub mod timeline;

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use futures::stream;
use hmac::{Hmac, KeyInit, Mac};
use rusqlite::Connection;
use sha2::Sha256;
use webhook_producer::http::{Headers, Request};
use webhook_producer::key::SigningKey;
use webhook_producer::platform::{
    CallError, Clock, Database, Log, Message, Network, Outgoing, Phase, Postgres, Redis,
    RedisReply, Signer, Stream, Variables,
};

pub use call::{Call, Reply};

use rows::Rows;
use timeline::Timeline;

/// The statements that every deployment runs.
pub const MIGRATIONS: &str = include_str!("../../../migrations.sql");

/// The behaviour of a consumer.
#[derive(Clone, Copy, Debug)]
pub enum Consumer {
    Responds(u16),
    RespondsAfter(Duration, u16),
    Hangs,
    RefusesConnections,
}

/// An entry that was written to a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub address: String,
    pub name: String,
    pub fields: Vec<(String, String)>,
}

/// A concurrent change of the registrations.
#[derive(Clone, Copy, Debug)]
pub enum Meanwhile {
    /// Another registration of this URL, with a key that differs each time.
    Registers(&'static str),
    /// All are deleted.
    DeletesAll,
}

pub struct World {
    /// The SQLite database, which is empty if the test runs on another store.
    pub database: Connection,
    /// The server on which the test runs.
    rows: Rows,
    pub timeline: Timeline,
    /// By URL without the query. Unknown consumers respond with 200.
    pub consumers: RefCell<HashMap<String, Consumer>>,
    pub variables: RefCell<HashMap<String, String>>,
    /// Every outgoing call.
    pub posts: RefCell<Vec<Outgoing>>,
    pub log: RefCell<Vec<String>>,
    /// Every entry that was written to a stream.
    pub entries: RefCell<Vec<Entry>>,
    /// If set, the PostgreSQL or Redis server of the registrations fails with this text.
    pub store_fails: RefCell<Option<String>>,
    /// If set, the stream fails with this text.
    pub stream_fails: RefCell<Option<String>>,
    /// Runs while a consumer is being called.
    pub meanwhile: RefCell<Option<Meanwhile>>,
    /// If set, signing fails with this text, followed by the key.
    pub signing_fails: RefCell<Option<String>>,
}

impl World {
    /// Creates a world with the table, the defaults of `spin.toml`, and private hosts allowed.
    pub fn new() -> Self {
        let world = Self::without_table();
        world.migrate();
        world
    }

    /// Runs the migrations of the store.
    pub fn migrate(&self) {
        match &self.rows {
            Rows::Sqlite => self.database.execute_batch(MIGRATIONS).unwrap(),
            server => server.migrate(),
        }
    }

    pub fn without_table() -> Self {
        Self::with(Rows::of_this_test())
    }

    /// Creates a world of another process, on the server of this one.
    pub fn beside(store_url: &str) -> Self {
        Self::with(Rows::connect(store_url))
    }

    /// Returns the variable `store_url`.
    pub fn store_url(&self) -> String {
        self.rows.store_url().to_owned()
    }

    /// Runs a statement on PostgreSQL, or a command on Redis, beside the producer.
    pub fn run_on_server(&self, statement: &str) {
        match &self.rows {
            Rows::Sqlite => self.database.execute_batch(statement).unwrap(),
            Rows::Postgres { .. } => drop(self.rows.query(statement, &[]).unwrap()),
            Rows::Redis { .. } => {
                let words: Vec<&[u8]> = statement.split(' ').map(str::as_bytes).collect();
                let command = std::str::from_utf8(words[0]).unwrap();
                self.rows.command(command, &words[1..]).unwrap();
            }
        }
    }

    fn with(rows: Rows) -> Self {
        let variables = [
            ("api_token", ""),
            ("outbound_timeout_ms", "5000"),
            ("max_concurrency", "64"),
            ("allow_private_hosts", "true"),
            ("stream_url", ""),
            ("stream_name", "events"),
            ("sender_url", ""),
            ("sender_token", ""),
            ("tenant", ""),
            ("store_url", rows.store_url()),
        ];
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let variables = RefCell::new(variables.map(own).into());
        Self {
            database: Connection::open_in_memory().unwrap(),
            rows,
            timeline: Timeline::default(),
            consumers: RefCell::default(),
            variables,
            posts: RefCell::default(),
            log: RefCell::default(),
            entries: RefCell::default(),
            store_fails: RefCell::default(),
            stream_fails: RefCell::default(),
            meanwhile: RefCell::default(),
            signing_fails: RefCell::default(),
        }
    }

    pub fn set(&self, variable: &str, value: &str) {
        let mut variables = self.variables.borrow_mut();
        let known = variables.insert(variable.to_owned(), value.to_owned());
        assert!(known.is_some(), "no variable `{variable}`");
    }

    pub fn consumer(&self, url: &str, behaviour: Consumer) {
        self.consumers
            .borrow_mut()
            .insert(url.to_owned(), behaviour);
    }

    /// Inserts a row into the table directly, or replaces the key of its URL.
    pub fn insert(&self, url: &str, event: &str, key: &str) {
        if !matches!(self.rows, Rows::Sqlite) {
            return self.rows.insert(url, event, key);
        }
        let statement = "INSERT INTO webhook_registrations (url, event, signing_key) \
                         VALUES (?1, ?2, ?3) \
                         ON CONFLICT (url) DO UPDATE SET signing_key = excluded.signing_key";
        self.database.execute(statement, [url, event, key]).unwrap();
    }

    /// Returns the whole table, including times.
    pub fn table(&self) -> Vec<Vec<String>> {
        if !matches!(self.rows, Rows::Sqlite) {
            return self.rows.table();
        }
        let statement = "SELECT url, event, signing_key, created_at, updated_at \
                         FROM webhook_registrations ORDER BY rowid";
        Database::execute(self, statement, &[]).unwrap()
    }

    /// Deletes all rows directly.
    pub fn clear(&self) {
        match &self.rows {
            Rows::Sqlite => self
                .database
                .execute_batch("DELETE FROM webhook_registrations")
                .unwrap(),
            server => server.clear(),
        }
    }

    fn change_meanwhile(&self) {
        match *self.meanwhile.borrow() {
            Some(Meanwhile::Registers(url)) => {
                let key = format!("another key {}", self.posted());
                self.insert(url, "e", &key);
            }
            Some(Meanwhile::DeletesAll) => self.clear(),
            None => {}
        }
    }

    /// Handles a request, advancing the clock whenever all tasks wait.
    pub fn send(&self, call: Call) -> Reply {
        let request = Request {
            method: call.method,
            path: call.path,
            query: call.query,
            authority: Some(call.authority),
            headers: Headers::new(call.headers),
            body: stream::iter(call.body.map(Ok)),
        };
        let future = webhook_producer::respond(self, request);
        Reply(self.timeline.run(future))
    }

    pub fn register(&self, url: &str, event: &str) -> Reply {
        let body = serde_json::json!({"url": url, "event": event});
        self.send(Call::new("POST", "/registrations").json(&body.to_string()))
    }

    pub fn posted(&self) -> usize {
        self.posts.borrow().len()
    }

    /// Returns all lines of the log.
    pub fn logged(&self) -> String {
        self.log.borrow().join("\n")
    }
}

/// Returns the tag of the scheme `plain`.
pub fn tag(body: &[u8], key: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body);
    hex::encode_upper(mac.finalize().into_bytes())
}

impl Database for World {
    fn execute(&self, statement: &str, values: &[&str]) -> Result<Vec<Vec<String>>, String> {
        let mut prepared = self
            .database
            .prepare(statement)
            .map_err(|e| e.to_string())?;
        let columns = prepared.column_count();
        let rows = prepared
            .query_map(rusqlite::params_from_iter(values), |row| {
                (0..columns).map(|column| row.get(column)).collect()
            })
            .map_err(|e| e.to_string())?;
        rows.collect::<Result<_, _>>().map_err(|e| e.to_string())
    }
}

impl World {
    fn check_store(&self, address: &str) -> Result<(), String> {
        assert_eq!(address, self.variables.borrow()["store_url"]);
        self.store_fails.borrow().clone().map_or(Ok(()), Err)
    }
}

impl Postgres for World {
    fn query(
        &self,
        address: &str,
        statement: &str,
        values: &[&str],
    ) -> Result<Vec<Vec<String>>, String> {
        self.check_store(address)?;
        let rows = self.rows.query(statement, values)?;
        assert!(!rows.is_empty(), "Spin 4 would never return: {statement}");
        Ok(rows)
    }
}

impl Redis for World {
    fn command(
        &self,
        address: &str,
        command: &str,
        arguments: &[&[u8]],
    ) -> Result<Vec<RedisReply>, String> {
        self.check_store(address)?;
        self.rows.command(command, arguments)
    }
}

impl Network for World {
    async fn send(&self, outgoing: Outgoing, _: Duration) -> Result<u16, CallError> {
        let mut url = outgoing.url.clone();
        url.set_query(None);
        let behaviour = self.consumers.borrow().get(url.as_str()).copied();
        self.posts.borrow_mut().push(outgoing);
        self.change_meanwhile();
        match behaviour.unwrap_or(Consumer::Responds(200)) {
            Consumer::Responds(status) => Ok(status),
            Consumer::RespondsAfter(time, status) => {
                self.sleep_until(self.now() + time).await;
                Ok(status)
            }
            Consumer::Hangs => std::future::pending().await,
            Consumer::RefusesConnections => {
                Err(CallError::new(Phase::Connect, "connection refused"))
            }
        }
    }
}

impl Stream for World {
    fn append(&self, address: &str, name: &str, fields: &[(&str, &[u8])]) -> Result<(), String> {
        self.ping(address)?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), text(value)));
        self.entries.borrow_mut().push(Entry {
            address: address.to_owned(),
            name: name.to_owned(),
            fields: fields.collect(),
        });
        Ok(())
    }

    fn ping(&self, _: &str) -> Result<(), String> {
        self.stream_fails.borrow().clone().map_or(Ok(()), Err)
    }
}

impl Signer for World {
    fn sign(
        &self,
        message: &Message<'_>,
        key: &SigningKey,
    ) -> Result<Vec<(String, String)>, String> {
        match self.signing_fails.borrow().as_ref() {
            Some(text) => Err(format!("{text} {}", key.text())),
            None => Ok(signed(message, key.text())),
        }
    }
}

/// Returns headers that reveal the signed message and its key.
fn signed(message: &Message<'_>, key: &str) -> Vec<(String, String)> {
    let own = |(name, value): (&str, String)| (name.to_owned(), value);
    [
        ("X-Signature", tag(message.body, key)),
        ("webhook-id", message.id.to_owned()),
        ("webhook-timestamp", message.timestamp.to_string()),
    ]
    .map(own)
    .into()
}

impl Clock for World {
    fn now(&self) -> Duration {
        self.timeline.now()
    }

    fn unix_seconds(&self) -> u64 {
        self.timeline.unix_seconds()
    }

    async fn sleep_until(&self, moment: Duration) {
        self.timeline.sleep_until(moment).await;
    }
}

impl Variables for World {
    fn variable(&self, name: &str) -> Result<String, String> {
        let variables = self.variables.borrow();
        variables
            .get(name)
            .cloned()
            .ok_or_else(|| format!("no variable `{name}`"))
    }
}

impl Log for World {
    fn log(&self, line: &str) {
        self.log.borrow_mut().push(line.to_owned());
    }
}
