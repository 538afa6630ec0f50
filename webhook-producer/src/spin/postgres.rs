//! Spin's outbound PostgreSQL, as [`Postgres`]. The interface is the oldest one, which every Spin has.

use spin_sdk::pg::{Connection, DbValue, ParameterValue, PgError};

use super::Spin;
use crate::platform::Postgres;

/// The limits for connecting, in seconds, and for a statement, in milliseconds. The interface blocks,
/// so that the app cannot give up earlier by itself.
const CONNECT_TIMEOUT: (&str, &str) = ("connect_timeout", "5");
const STATEMENT_TIMEOUT: (&str, &str) = ("statement_timeout", "5000");

impl Spin {
    fn postgres(&self, address: &str) -> Result<&Connection, String> {
        if let Some(open) = self.postgres.get() {
            return Ok(open);
        }
        let open =
            Connection::open(&with_connect_timeout(address)).map_err(|error| kind(&error))?;
        let (name, value) = STATEMENT_TIMEOUT;
        if !address.contains(name) {
            open.execute(&format!("SET {name} = {value}"), &[])
                .map_err(|error| kind(&error))?;
        }
        Ok(self.postgres.get_or_init(|| open))
    }
}

impl Postgres for Spin {
    fn query(
        &self,
        address: &str,
        statement: &str,
        values: &[&str],
    ) -> Result<Vec<Vec<String>>, String> {
        let values: Vec<ParameterValue> = values
            .iter()
            .map(|value| ParameterValue::Str((*value).to_owned()))
            .collect();
        let result = self.postgres(address)?.query(statement, &values);
        let rows = result.map_err(|error| kind(&error))?.rows.into_iter();
        rows.map(|row| row.into_iter().map(text).collect())
            .collect()
    }
}

/// Adds the limit unless the operator has set one.
fn with_connect_timeout(address: &str) -> String {
    let (name, value) = CONNECT_TIMEOUT;
    if address.contains(name) {
        return address.to_owned();
    }
    let separator = if address.contains('?') { '&' } else { '?' };
    format!("{address}{separator}{name}={value}")
}

fn text(value: DbValue) -> Result<String, String> {
    match value {
        DbValue::Str(text) => Ok(text),
        _ => Err("a column is not text".to_owned()),
    }
}

fn kind(error: &PgError) -> String {
    match error {
        PgError::ConnectionFailed(reason) => format!("connecting failed: {reason}"),
        PgError::BadParameter(reason) => format!("invalid parameter: {reason}"),
        PgError::QueryFailed(reason) => format!("the statement failed: {reason}"),
        PgError::ValueConversionFailed(reason) => format!("unexpected value: {reason}"),
        PgError::Other(reason) => reason.clone(),
    }
}
