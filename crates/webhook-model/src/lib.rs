//! The data model: tenants, endpoints, events, deliveries and attempts.
//!
//! Everything here is plain data. Values are validated when they are created, so that the rest of
//! the sender can rely on them.

#![cfg_attr(not(test), deny(clippy::disallowed_macros))]

mod access;
mod attempt;
mod audit;
mod backoff;
mod dead_letter;
mod delivery;
mod endpoint;
mod event;
mod exchange;
mod id;
mod masked;
mod owner;
mod pattern;
mod raw_event;
mod retry;
mod role;
mod secret;
mod source;
mod time;

pub use access::{AccessKey, AccessSession, Portal, TokenHash};
pub use attempt::{Attempt, Phase};
pub use audit::{AuditChange, AuditEntry, AuditOutcome};
pub use backoff::Backoff;
pub use dead_letter::{FieldText, Rejected};
pub use delivery::{Delivery, DeliveryState};
pub use endpoint::{Endpoint, Handshake, Origin};
pub use event::{Event, EventState, MAX_TYPE_BYTES};
pub use exchange::{
    DEFAULT_KEPT_RESPONSE_BYTES, Exchange, HeaderBlock, MAX_HEADER_BLOCK_BYTES,
    MAX_KEPT_RESPONSE_BYTES, Protocol, ReceivedParts, ReceivedResponse, RequestRecord, SentRequest,
    WireHeader,
};
pub use id::{AuditId, DeliveryId, EndpointId, EventId, IdError, KeyId, SessionId, TenantId};
pub use masked::{MASK, is_masked_url, masked_url};
pub use owner::Owner;
pub use pattern::{Pattern, PatternError};
pub use raw_event::{EventError, MAX_DATA_BYTES, RawEvent};
pub use retry::{Retry, RetryError, durations};
pub use role::Role;
pub use secret::{Secret, SecretError};
pub use source::Source;
pub use time::{Clock, Millis};
