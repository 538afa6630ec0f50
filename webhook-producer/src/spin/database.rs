//! Spin's SQLite database `default`, as a [`Database`].

use spin_sdk::sqlite::{Connection, Value};

use super::Spin;
use crate::platform::Database;

impl Spin {
    fn connection(&self) -> Result<&Connection, String> {
        if let Some(open) = self.connection.get() {
            return Ok(open);
        }
        let open = Connection::open_default().map_err(|error| error.to_string())?;
        Ok(self.connection.get_or_init(|| open))
    }
}

impl Database for Spin {
    fn execute(&self, statement: &str, values: &[&str]) -> Result<Vec<Vec<String>>, String> {
        let values: Vec<Value> = values
            .iter()
            .map(|value| Value::Text((*value).to_owned()))
            .collect();
        let result = self
            .connection()?
            .execute(statement, &values)
            .map_err(|error| error.to_string())?;
        let rows = result.rows.into_iter();
        rows.map(|row| row.values.into_iter().map(text).collect())
            .collect()
    }
}

fn text(value: Value) -> Result<String, String> {
    match value {
        Value::Text(text) => Ok(text),
        _ => Err("a column is not text".to_owned()),
    }
}
