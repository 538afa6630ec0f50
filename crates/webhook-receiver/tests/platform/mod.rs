//! A fake platform: a map as the key-value store, a real SQLite, a manual clock, and the crate
//! `webhook-signature` in place of the component. Keys and ids are in those stores, or on the server on
//! which the test runs (`test_support::stores`).

#![allow(dead_code, reason = "each test binary uses only a part")]

mod server;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use rusqlite::types::Value as Stored;
use webhook_receiver::{
    BodyError, Clock, Database, Headers, KeyValue, PlatformError, Postgres, Redis, RedisReply,
    Request, Scheme, Signatures, Value, Variables, Verified, VerifyError, VerifyInput,
    read_bounded,
};
use webhook_signature::{Credential, Freshness};

use server::Server;

/// The initial time in Unix seconds: that of the specification's example.
pub const NOW: u64 = 1_614_265_330;

pub struct FakePlatform {
    pub now: Cell<u64>,
    pub store: RefCell<BTreeMap<String, Vec<u8>>>,
    pub database: rusqlite::Connection,
    pub server: Server,
    pub variables: RefCell<BTreeMap<String, String>>,
    /// If set, every use of the key-value store fails.
    pub store_fails: Cell<bool>,
    /// If set, every use of the database or of a server fails.
    pub database_fails: Cell<bool>,
}

impl Default for FakePlatform {
    /// Returns empty stores, and the defaults of the consumer's `spin.toml`.
    fn default() -> Self {
        Self::on(Server::of_this_test())
    }
}

impl FakePlatform {
    /// Creates a platform of another process, on the server of this one.
    pub fn beside(&self) -> Self {
        Self::on(Server::connect(self.server.store_url()))
    }

    fn on(server: Server) -> Self {
        let variables = [
            ("handshake_token", ""),
            ("open_handshake", "false"),
            ("weakest_scheme", "standard"),
            ("tolerance_seconds", "300"),
            ("key_overlap_seconds", "86400"),
            ("retry_horizon_seconds", "345600"),
            ("seen_ids_max", "100000"),
            ("store_url", server.store_url()),
        ];
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let variables = RefCell::new(variables.map(own).into());
        Self {
            now: Cell::new(NOW),
            store: RefCell::default(),
            database: rusqlite::Connection::open_in_memory().expect("a database"),
            server,
            variables,
            store_fails: Cell::default(),
            database_fails: Cell::default(),
        }
    }

    pub fn set_variable(&self, name: &str, value: &str) {
        let mut variables = self.variables.borrow_mut();
        let known = variables.insert(name.to_owned(), value.to_owned());
        assert!(known.is_some(), "no variable `{name}`");
    }

    pub fn put(&self, key: &str, value: &str) {
        let value = value.as_bytes().to_vec();
        self.store.borrow_mut().insert(key.to_owned(), value);
    }

    /// Returns the value of `key` as text.
    pub fn stored(&self, key: &str) -> Option<String> {
        if !matches!(self.server, Server::None) {
            return self.server.stored(key);
        }
        let store = self.store.borrow();
        let value = store.get(key)?.clone();
        Some(String::from_utf8(value).expect("text"))
    }

    /// Claims an id, as another process does.
    pub fn hold(&self, id: &str, until: u64) {
        if !matches!(self.server, Server::None) {
            return self.server.hold(id, until);
        }
        let claim = "INSERT INTO webhook_ids (id, until, done) VALUES (?1, ?2, 0)";
        let until = i64::try_from(until).expect("a time");
        let parameters = [Value::Text(id.to_owned()), Value::Integer(until)];
        self.execute(claim, &parameters).expect("a row");
    }

    /// Returns the number of stored ids.
    pub fn remembered(&self) -> i64 {
        if !matches!(self.server, Server::None) {
            return self.server.remembered();
        }
        let rows = self.execute("SELECT count(*) FROM webhook_ids", &[]);
        match rows.expect("a table").remove(0).remove(0) {
            Value::Integer(count) => count,
            Value::Text(text) => panic!("{text} rows"),
        }
    }

    pub fn advance(&self, seconds: u64) {
        self.now.set(self.now.get() + seconds);
    }
}

fn check(fails: &Cell<bool>, doing: &'static str) -> Result<(), PlatformError> {
    let cause = "the disk is full".to_owned();
    if fails.get() {
        Err(PlatformError { doing, cause })
    } else {
        Ok(())
    }
}

impl Clock for FakePlatform {
    fn now(&self) -> u64 {
        self.now.get()
    }
}

impl KeyValue for FakePlatform {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        check(&self.store_fails, "reading the key-value store")?;
        Ok(self.store.borrow().get(key).cloned())
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), PlatformError> {
        check(&self.store_fails, "writing the key-value store")?;
        let mut store = self.store.borrow_mut();
        store.insert(key.to_owned(), value.to_vec());
        Ok(())
    }
}

impl Database for FakePlatform {
    fn execute(
        &self,
        statement: &str,
        parameters: &[Value],
    ) -> Result<Vec<Vec<Value>>, PlatformError> {
        check(&self.database_fails, "using the database")?;
        let run = || -> rusqlite::Result<Vec<Vec<Value>>> {
            let mut statement = self.database.prepare(statement)?;
            let columns = statement.column_count();
            let parameters = parameters.iter().map(|value| match value {
                Value::Integer(number) => Stored::Integer(*number),
                Value::Text(text) => Stored::Text(text.clone()),
            });
            let rows = statement.query_map(rusqlite::params_from_iter(parameters), |row| {
                (0..columns)
                    .map(|column| row.get(column).map(from_sqlite))
                    .collect()
            })?;
            rows.collect()
        };
        run().map_err(|error| PlatformError {
            doing: "using the database",
            cause: error.to_string(),
        })
    }
}

fn from_sqlite(value: Stored) -> Value {
    match value {
        Stored::Integer(number) => Value::Integer(number),
        Stored::Text(text) => Value::Text(text),
        other => panic!("{other:?} in a row"),
    }
}

impl Postgres for FakePlatform {
    fn query(
        &self,
        address: &str,
        statement: &str,
        parameters: &[&str],
    ) -> Result<Vec<Vec<String>>, PlatformError> {
        assert_eq!(address, self.server.store_url());
        check(&self.database_fails, "using PostgreSQL")?;
        let rows = self.server.query(statement, parameters)?;
        assert!(!rows.is_empty(), "Spin 4 would never return: {statement}");
        Ok(rows)
    }
}

impl Redis for FakePlatform {
    fn command(
        &self,
        address: &str,
        command: &str,
        arguments: &[&[u8]],
    ) -> Result<Vec<RedisReply>, PlatformError> {
        assert_eq!(address, self.server.store_url());
        check(&self.database_fails, "using Redis")?;
        self.server.command(command, arguments)
    }
}

impl Variables for FakePlatform {
    fn variable(&self, name: &'static str) -> Result<String, PlatformError> {
        let value = self.variables.borrow().get(name).cloned();
        value.ok_or_else(|| PlatformError {
            doing: "reading a variable",
            cause: format!("`{name}` is not defined"),
        })
    }
}

impl Signatures for FakePlatform {
    fn fingerprint(&self, key: &str) -> Result<String, String> {
        let key = Credential::parse(key).map_err(|error| error.to_string())?;
        Ok(key.fingerprint())
    }

    fn verify(&self, keys: &[&str], input: VerifyInput<'_>) -> Result<Verified, VerifyError> {
        let keys = keys.iter().map(|key| Credential::parse(*key));
        let keys: Result<Vec<_>, _> = keys.collect();
        let keys = keys.map_err(|error| VerifyError::BadKey(error.to_string()))?;
        let headers = input.headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value));
        let request = webhook_signature::Request::new(headers, input.body);
        let freshness = Freshness::at(input.now).tolerating(input.tolerance);
        webhook_signature::verify(&keys, &request, freshness, by_name(input.weakest))
            .map(|verified| Verified {
                scheme: own_scheme(verified.scheme),
                id: verified.id.map(str::to_owned),
                at: verified.at,
            })
            .map_err(|refusal| VerifyError::Refused {
                code: refusal.code(),
                reason: refusal.to_string(),
            })
    }
}

fn by_name(scheme: Scheme) -> webhook_signature::Scheme {
    webhook_signature::Scheme::from_name(scheme.name()).expect("the same names")
}

fn own_scheme(scheme: webhook_signature::Scheme) -> Scheme {
    let same = |own: &Scheme| own.name() == scheme.name();
    Scheme::ALL.into_iter().find(same).expect("the same names")
}

/// A request in memory.
pub struct FakeRequest {
    pub method: String,
    pub target: String,
    pub headers: Headers,
    /// The body; `None` after it was read.
    pub body: Option<Vec<u8>>,
}

impl Request for FakeRequest {
    fn method(&self) -> String {
        self.method.clone()
    }

    fn target(&self) -> String {
        self.target.clone()
    }

    fn headers(&self) -> Headers {
        self.headers.clone()
    }

    fn body(&mut self, limit: usize) -> Result<Vec<u8>, BodyError> {
        let body = self.body.take().expect("the body is read only once");
        let mut chunks = body.chunks(64 * 1024);
        read_bounded(limit, || Ok(chunks.next().map(<[u8]>::to_vec)))
    }
}
