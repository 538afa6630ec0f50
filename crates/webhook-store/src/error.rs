//! The errors of stores.

use webhook_model::{EndpointId, TenantId};

/// An error of a store's call. Except for [`Unavailable`](Self::Unavailable), the call had no effect.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached, or failed. The call may or may not have taken effect.
    #[error("store `{store}`: {detail}")]
    Unavailable { store: String, detail: String },
    /// The store was flushed, restarted without its files, or failed over without its last writes.
    #[error("the store has lost its content, and the configuration is not restored yet")]
    ContentLost,
    #[error("tenant `{0}` is unknown")]
    UnknownTenant(TenantId),
    #[error("endpoint `{endpoint}` of tenant `{tenant}` was changed concurrently")]
    Conflict {
        tenant: TenantId,
        endpoint: EndpointId,
    },
    #[error(
        "a sender named `{name}` is running or stopped a moment ago; its lease ends in {left_ms} ms"
    )]
    NameTaken { name: String, left_ms: u64 },
    #[error("lease of `{0}` lost: another sender ended it after it expired, or the store lost it")]
    LeaseLost(String),
    #[error("invalid cursor `{0}`: it was not returned by this list")]
    Cursor(String),
}

/// The result of a store's call.
pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// Describes stored JSON that cannot be read. Without the error's own text: it may quote its input, which
/// may contain a secret.
pub(crate) fn unreadable_json(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    format!("stored JSON cannot be read at line {line}, column {column}")
}

/// Describes a stored id that cannot be read.
pub(crate) fn unreadable_id(error: &webhook_model::IdError) -> String {
    format!("a stored id cannot be read: {error}")
}
