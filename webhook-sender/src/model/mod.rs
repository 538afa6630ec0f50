//! The nouns: what a tenant, an endpoint, an event, a delivery and an attempt are.
//!
//! Everything here is plain data. What is checked is checked when a value is made, so that the rest
//! of the crate can rely on it.

mod attempt;
mod dead_letter;
mod delivery;
mod endpoint;
mod event;
mod id;
mod masked;
mod pattern;
mod retry;
mod secret;
mod time;

pub use attempt::{Attempt, MAX_RESPONSE_BYTES, Phase};
pub use dead_letter::{FieldText, Rejected, Source};
pub use delivery::{Delivery, DeliveryState};
pub use endpoint::{Endpoint, Handshake, Origin};
pub use event::{Event, MAX_TYPE_BYTES};
pub use id::{DeliveryId, EndpointId, EventId, IdError, TenantId};
pub use masked::{MASK, is_masked_url, masked_url};
pub use pattern::{Pattern, PatternError};
pub(crate) use retry::durations;
pub use retry::{Retry, RetryError};
pub use secret::{Secret, SecretError};
pub use time::{Clock, Millis};
