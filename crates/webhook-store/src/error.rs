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
