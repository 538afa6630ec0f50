//! The store of a test on a server, read and written beside the app.

use std::cell::RefCell;

use postgres::types::ToSql;
use test_support::stores::{Current, current, unique};
use webhook_receiver::{PlatformError, RedisReply};

/// The statements that every deployment on PostgreSQL runs.
const MIGRATIONS: &str = include_str!("../../../../migrations.postgres.sql");

/// The server on which a test runs.
pub enum Server {
    /// There is none: keys and ids are in the test's own stores.
    None,
    /// A schema of a PostgreSQL server with the tables.
    Postgres {
        url: String,
        client: RefCell<postgres::Client>,
    },
    /// A database of a Redis server.
    Redis {
        url: String,
        connection: RefCell<redis::Connection>,
    },
}

impl Server {
    /// Returns an empty store of the kind on which the test runs.
    pub fn of_this_test() -> Self {
        match current() {
            Current::Local => Self::None,
            Current::Postgres(server) => {
                let schema = format!("test_{}", unique());
                let mut client = postgres::Client::connect(&server, postgres::NoTls).unwrap();
                let create = format!("CREATE SCHEMA {schema}; SET search_path = {schema}");
                client.batch_execute(&create).unwrap();
                client.batch_execute(MIGRATIONS).unwrap();
                Self::connect(&format!("{server}?options=-c%20search_path%3D{schema}"))
            }
            Current::Redis(server) => Self::connect(&format!("{server}/{}", unique())),
        }
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
            Self::None => "",
            Self::Postgres { url, .. } | Self::Redis { url, .. } => url,
        }
    }

    pub fn query(
        &self,
        statement: &str,
        parameters: &[&str],
    ) -> Result<Vec<Vec<String>>, PlatformError> {
        let Self::Postgres { client, .. } = self else {
            panic!("the test does not run on PostgreSQL");
        };
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters
            .iter()
            .map(|value| value as &(dyn ToSql + Sync))
            .collect();
        let rows = client.borrow_mut().query(statement, &parameters);
        let rows = rows.map_err(|error| failed(format!("{error:?}")))?;
        let text = |row: &postgres::Row, column: usize| row.try_get(column).expect("text");
        let row = |row: &postgres::Row| (0..row.len()).map(|column| text(row, column)).collect();
        Ok(rows.iter().map(row).collect())
    }

    pub fn command(
        &self,
        command: &str,
        arguments: &[&[u8]],
    ) -> Result<Vec<RedisReply>, PlatformError> {
        let Self::Redis { connection, .. } = self else {
            panic!("the test does not run on Redis");
        };
        let mut command = redis::cmd(command);
        for argument in arguments {
            command.arg(argument);
        }
        let reply = command.query(&mut *connection.borrow_mut());
        let mut parts = Vec::new();
        flatten(
            reply.map_err(|error| failed(error.to_string()))?,
            &mut parts,
        );
        Ok(parts)
    }

    fn redis(&self, words: &[&str]) -> Vec<RedisReply> {
        let arguments: Vec<&[u8]> = words[1..].iter().map(|word| word.as_bytes()).collect();
        self.command(words[0], &arguments).expect("a reply")
    }

    /// Returns the value of a key as text.
    pub fn stored(&self, name: &str) -> Option<String> {
        if let Self::Redis { .. } = self {
            let reply = self.redis(&["GET", &format!("webhook-keys:{name}")]);
            return match reply.into_iter().next() {
                Some(RedisReply::Bytes(value)) => Some(String::from_utf8(value).expect("text")),
                _ => None,
            };
        }
        let statement = "SELECT value FROM webhook_keys WHERE name = $1";
        let rows = self.query(statement, &[name]).expect("rows");
        rows.into_iter().flatten().next()
    }

    /// Claims an id for another process.
    pub fn hold(&self, id: &str, until: u64) {
        let until = until.to_string();
        if let Self::Redis { .. } = self {
            let (key, claim) = (
                format!("{{webhook-ids}}:id:{id}"),
                format!("claimed {until}"),
            );
            self.redis(&["SET", &key, &claim, "PX", "600000"]);
            return;
        }
        let statement = "INSERT INTO webhook_ids (id, until, done) \
                         VALUES ($1, $2::text::bigint, false)";
        self.query(statement, &[id, &until]).expect("a row");
    }

    /// Returns the number of stored ids.
    pub fn remembered(&self) -> i64 {
        if let Self::Redis { .. } = self {
            return self.redis(&["KEYS", "{webhook-ids}:id:*"]).len() as i64;
        }
        let count = "SELECT count(*)::text FROM webhook_ids";
        self.query(count, &[]).expect("rows")[0][0]
            .parse()
            .expect("a number")
    }
}

fn failed(cause: String) -> PlatformError {
    PlatformError {
        doing: "using the server",
        cause,
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
