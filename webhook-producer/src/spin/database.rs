//! Spin's SQLite database `default`, as a [`Database`].

use crate::platform::Database;

#[cfg(feature = "local-store")]
mod sqlite {
    use spin_sdk::sqlite::{Connection, Value};

    use super::super::Spin;
    use super::Database;

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
}

#[cfg(not(feature = "local-store"))]
impl Database for super::Spin {
    fn execute(&self, _: &str, _: &[&str]) -> Result<Vec<Vec<String>>, String> {
        Err("this build has no SQLite: set the variable `store_url`".to_owned())
    }
}
