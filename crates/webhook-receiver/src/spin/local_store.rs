//! Spin's key-value store `default` and its SQLite database `default`.

use spin_sdk::key_value::Store;
use spin_sdk::sqlite::{self, Connection};

use super::platform::{Spin, failed, opened};
use crate::{Database, KeyValue, PlatformError, Value};

impl Spin {
    fn store(&self) -> Result<&Store, PlatformError> {
        opened(&self.store, "opening the key-value store", || {
            Store::open_default()
        })
    }

    fn database(&self) -> Result<&Connection, PlatformError> {
        opened(&self.database, "opening the database", || {
            Connection::open_default()
        })
    }
}

impl KeyValue for Spin {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        let value = self.store()?.get(key);
        value.map_err(|error| failed("reading the key-value store", &error))
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), PlatformError> {
        let set = self.store()?.set(key, value);
        set.map_err(|error| failed("writing the key-value store", &error))
    }
}

impl Database for Spin {
    fn execute(
        &self,
        statement: &str,
        parameters: &[Value],
    ) -> Result<Vec<Vec<Value>>, PlatformError> {
        let parameters: Vec<_> = parameters.iter().map(to_sqlite).collect();
        let result = self
            .database()?
            .execute(statement, &parameters)
            .map_err(|error| failed("using the database", &error))?;
        let rows = result.rows.into_iter();
        rows.map(|row| row.values.into_iter().map(from_sqlite).collect())
            .collect()
    }
}

fn to_sqlite(value: &Value) -> sqlite::Value {
    match value {
        Value::Integer(number) => sqlite::Value::Integer(*number),
        Value::Text(text) => sqlite::Value::Text(text.clone()),
    }
}

fn from_sqlite(value: sqlite::Value) -> Result<Value, PlatformError> {
    match value {
        sqlite::Value::Integer(number) => Ok(Value::Integer(number)),
        sqlite::Value::Text(text) => Ok(Value::Text(text)),
        _ => Err(failed(
            "using the database",
            &"a column is neither a number nor text",
        )),
    }
}
