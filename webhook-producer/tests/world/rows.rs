//! The registrations of a test on a server, read and written beside the producer.

use std::cell::RefCell;

use postgres::types::ToSql;
use serde_json::Value;
use test_support::stores::{Current, current, unique};
use webhook_producer::platform::RedisReply;

/// The statements that every deployment on PostgreSQL runs.
const MIGRATIONS: &str = include_str!("../../../migrations.postgres.sql");

/// The hash of the registrations in Redis, and the counter of their positions.
const HASH: &str = "{webhook-registrations}";
const POSITION: &str = "{webhook-registrations}:position";

/// The store of a test.
pub enum Rows {
    /// The SQLite database of the test's world.
    Sqlite,
    /// An empty schema of a PostgreSQL server.
    Postgres {
        url: String,
        client: RefCell<postgres::Client>,
    },
    /// An empty database of a Redis server.
    Redis {
        url: String,
        connection: RefCell<redis::Connection>,
    },
}

impl Rows {
    /// Returns an empty store of the kind on which the test runs.
    pub fn of_this_test() -> Self {
        match current() {
            Current::Local => Self::Sqlite,
            Current::Postgres(server) => Self::schema(&server),
            Current::Redis(server) => Self::connect(&format!("{server}/{}", unique())),
        }
    }

    fn schema(server: &str) -> Self {
        let schema = format!("test_{}", unique());
        let mut client = postgres::Client::connect(server, postgres::NoTls).unwrap();
        let create = format!("CREATE SCHEMA {schema}");
        client.batch_execute(&create).unwrap();
        Self::connect(&format!("{server}?options=-c%20search_path%3D{schema}"))
    }

    /// Connects to the store at `url`, as another process does.
    pub fn connect(url: &str) -> Self {
        let url = url.to_owned();
        if url.starts_with("redis") {
            let client = redis::Client::open(url.as_str()).unwrap();
            let connection = RefCell::new(client.get_connection().unwrap());
            return Self::Redis { url, connection };
        }
        let client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
        let client = RefCell::new(client);
        Self::Postgres { url, client }
    }

    pub fn store_url(&self) -> &str {
        match self {
            Self::Sqlite => "",
            Self::Postgres { url, .. } | Self::Redis { url, .. } => url,
        }
    }

    pub fn migrate(&self) {
        if let Self::Postgres { client, .. } = self {
            client.borrow_mut().batch_execute(MIGRATIONS).unwrap();
        }
    }

    pub fn query(&self, statement: &str, values: &[&str]) -> Result<Vec<Vec<String>>, String> {
        let Self::Postgres { client, .. } = self else {
            panic!("the test does not run on PostgreSQL");
        };
        let values: Vec<&(dyn ToSql + Sync)> = values
            .iter()
            .map(|value| value as &(dyn ToSql + Sync))
            .collect();
        let rows = client.borrow_mut().query(statement, &values);
        let rows = rows.map_err(|error| format!("{error:?}"))?;
        let text = |row: &postgres::Row, column| row.try_get(column).map_err(|e| e.to_string());
        rows.iter()
            .map(|row| (0..row.len()).map(|column| text(row, column)).collect())
            .collect()
    }

    pub fn command(&self, command: &str, arguments: &[&[u8]]) -> Result<Vec<RedisReply>, String> {
        let Self::Redis { connection, .. } = self else {
            panic!("the test does not run on Redis");
        };
        let mut command = redis::cmd(command);
        for argument in arguments {
            command.arg(argument);
        }
        let reply = command.query(&mut *connection.borrow_mut());
        let mut parts = Vec::new();
        flatten(reply.map_err(|error| error.to_string())?, &mut parts);
        Ok(parts)
    }

    /// Inserts a row, or replaces the key of its URL.
    pub fn insert(&self, url: &str, event: &str, key: &str) {
        match self {
            Self::Sqlite => unreachable!("the world has the database"),
            Self::Postgres { .. } => {
                let statement = "INSERT INTO webhook_registrations (url, event, signing_key) \
                                 VALUES ($1, $2, $3) \
                                 ON CONFLICT (url) DO UPDATE SET signing_key = excluded.signing_key";
                self.query(statement, &[url, event, key]).unwrap();
            }
            Self::Redis { .. } => {
                let position = match self.command("INCR", &[POSITION.as_bytes()]).unwrap()[..] {
                    [RedisReply::Number(position)] => position,
                    _ => panic!("no number"),
                };
                let row = serde_json::json!({
                    "event": event, "key": key, "position": position,
                    "created_at": "0", "updated_at": "0",
                });
                let row = row.to_string();
                let arguments = [HASH.as_bytes(), url.as_bytes(), row.as_bytes()];
                self.command("HSET", &arguments).unwrap();
            }
        }
    }

    /// Returns URL, event, key and times of all rows, the oldest first.
    pub fn table(&self) -> Vec<Vec<String>> {
        match self {
            Self::Sqlite => unreachable!("the world has the database"),
            Self::Postgres { .. } => {
                let statement = "SELECT url, event, signing_key, created_at::text, \
                                 updated_at::text FROM webhook_registrations ORDER BY position";
                self.query(statement, &[]).unwrap()
            }
            Self::Redis { .. } => self.hash(),
        }
    }

    fn hash(&self) -> Vec<Vec<String>> {
        let reply = self.command("HGETALL", &[HASH.as_bytes()]).unwrap();
        let mut rows: Vec<(u64, Vec<String>)> = reply
            .chunks(2)
            .map(|pair| {
                let [RedisReply::Bytes(url), RedisReply::Bytes(row)] = pair else {
                    panic!("{pair:?}");
                };
                let row: Value = serde_json::from_slice(row).unwrap();
                let text = |name: &str| row[name].as_str().unwrap().to_owned();
                let url = String::from_utf8(url.clone()).unwrap();
                let row_texts = ["event", "key", "created_at", "updated_at"].map(text);
                let position = row["position"].as_u64().unwrap();
                (position, [vec![url], row_texts.to_vec()].concat())
            })
            .collect();
        rows.sort();
        rows.into_iter().map(|(_, row)| row).collect()
    }

    pub fn clear(&self) {
        match self {
            Self::Sqlite => unreachable!("the world has the database"),
            Self::Postgres { .. } => {
                self.query("DELETE FROM webhook_registrations", &[])
                    .unwrap();
            }
            Self::Redis { .. } => {
                self.command("DEL", &[HASH.as_bytes()]).unwrap();
            }
        }
    }
}

/// Converts a reply as the runtime does: nested parts become one list.
fn flatten(reply: redis::Value, parts: &mut Vec<RedisReply>) {
    parts.push(match reply {
        redis::Value::Nil => RedisReply::Nil,
        redis::Value::Int(number) => RedisReply::Number(number),
        redis::Value::BulkString(bytes) => RedisReply::Bytes(bytes),
        redis::Value::SimpleString(text) => RedisReply::Status(text),
        redis::Value::Okay => RedisReply::Status("OK".to_owned()),
        redis::Value::Array(values) => {
            return values.into_iter().for_each(|value| flatten(value, parts));
        }
        other => panic!("{other:?}"),
    });
}
