//! What goes wrong with a store.

use webhook_model::{EndpointId, TenantId};

/// Why a store did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Out of reach, or broken. Nothing is known of what the call has done.
    #[error("store `{store}`: {detail}")]
    Unavailable { store: String, detail: String },
    /// It was flushed, restarted without its files, or failed over without its last writes.
    #[error("the store has lost its content, and the configuration is not restored yet")]
    ContentLost,
    #[error("tenant `{0}` is unknown")]
    UnknownTenant(TenantId),
    #[error("endpoint `{endpoint}` of tenant `{tenant}` was changed by somebody else")]
    Conflict {
        tenant: TenantId,
        endpoint: EndpointId,
    },
    #[error(
        "a sender named `{name}` is running, or was until a moment ago: its lease ends in {left_ms} ms"
    )]
    NameTaken { name: String, left_ms: u64 },
    #[error(
        "the lease of `{0}` is over: another sender ended it after it had run out, or the store lost it"
    )]
    LeaseLost(String),
    #[error("cursor `{0}` was not handed out by this list")]
    Cursor(String),
}

/// The result of a call of the store.
pub(crate) type Result<T> = std::result::Result<T, StoreError>;
