//! Errors, in the form of the latest interface; the earlier ones have the same cases.

use tokio_postgres::error::DbError as ServerError;

use crate::host::bindings::spin::postgres4_1_0::postgres::{DbError, Error, QueryError};

/// Converts the error of a statement, as Spin does.
pub(super) fn query_failed(error: &tokio_postgres::Error) -> Error {
    let as_text = format!("{error:?}");
    Error::QueryFailed(match error.as_db_error() {
        None => QueryError::Text(as_text),
        Some(server) => QueryError::DbError(DbError {
            as_text,
            severity: server.severity().to_owned(),
            code: server.code().code().to_owned(),
            message: server.message().to_owned(),
            detail: server.detail().map(str::to_owned),
            extras: extras(server),
        }),
    })
}

/// Returns the error of a statement whose failure is not the server's.
pub(super) fn query_failed_with(reason: impl Into<String>) -> Error {
    Error::QueryFailed(QueryError::Text(reason.into()))
}

/// Returns the text of the reason, as the earlier interfaces have it.
pub(super) fn text_of(error: QueryError) -> String {
    match error {
        QueryError::Text(text) => text,
        QueryError::DbError(error) => error.as_text,
    }
}

fn extras(error: &ServerError) -> Vec<(String, String)> {
    let line = error.line().map(|line| line.to_string());
    let fields = [
        ("column", error.column()),
        ("constraint", error.constraint()),
        ("routine", error.routine()),
        ("hint", error.hint()),
        ("table", error.table()),
        ("datatype", error.datatype()),
        ("schema", error.schema()),
        ("file", error.file()),
        ("line", line.as_deref()),
        ("where_", error.where_()),
    ];
    let present = fields.into_iter().filter_map(|(name, value)| {
        let value = value?;
        Some((name.to_owned(), value.to_owned()))
    });
    present.collect()
}
