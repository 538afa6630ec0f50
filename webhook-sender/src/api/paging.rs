//! The pages of lists.

use serde::Deserialize;
use webhook_store::Cursor;

use super::error::ApiError;

/// The number of items of a page by default.
pub(super) const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// The query of a list without filters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageParameters {
    pub cursor: Option<Cursor>,
    pub limit: Option<usize>,
}

/// Checks the number of items that a request names.
///
/// # Errors
///
/// Returns 400 for a number that is not between 1 and the maximum.
pub(super) fn limit(requested: Option<usize>) -> Result<usize, ApiError> {
    match requested.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        other => Err(ApiError::invalid(format!(
            "limit `{other}` is not between 1 and {MAX_LIMIT}"
        ))),
    }
}
