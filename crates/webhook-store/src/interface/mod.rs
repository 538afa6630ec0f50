//! The interface of stores, in the parts that their callers use.

mod audit;
mod keys;
mod leases;
mod queries;
mod queue;
mod sessions;
mod store;
mod tenants;

pub use audit::{Audit, AuditFilter, MAX_AUDIT_ENTRIES};
pub use keys::{KeyAddition, Keys, MAX_KEYS};
pub use leases::Leases;
pub use queries::Queries;
pub use queue::{IDEMPOTENCY, Queue};
pub use sessions::{MAX_PORTAL_SESSIONS, Sessions};
pub use store::Store;
pub use tenants::{EndpointPut, Tenants};
