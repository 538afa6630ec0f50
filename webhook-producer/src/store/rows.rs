//! Rows of text, from the two SQL databases.

use super::registrations::{ListedRegistration, Registration, StoreError};
use crate::key::SigningKey;

/// Rows of columns that are all text.
pub(super) type Rows = Vec<Vec<String>>;

/// Converts rows of url, event and times.
pub(super) fn listed(rows: Rows) -> Result<Vec<ListedRegistration>, StoreError> {
    each(rows, |[url, event, created_at, updated_at]| {
        ListedRegistration {
            url,
            event,
            created_at,
            updated_at,
        }
    })
}

/// Converts rows of url, event and key.
pub(super) fn with_keys(rows: Rows) -> Result<Vec<Registration>, StoreError> {
    each(rows, |[url, event, key]| Registration {
        url,
        event,
        key: SigningKey::from_text(key),
    })
}

fn each<T, const N: usize>(
    rows: Rows,
    read: impl Fn([String; N]) -> T,
) -> Result<Vec<T>, StoreError> {
    let wrong = |_| StoreError::Failed("a row has the wrong number of columns".to_owned());
    rows.into_iter()
        .map(|row| row.try_into().map(&read).map_err(wrong))
        .collect()
}
