//! The interface of stores, in the parts that their callers use.

mod leases;
mod queries;
mod queue;
mod store;
mod tenants;

pub use leases::Leases;
pub use queries::Queries;
pub use queue::{IDEMPOTENCY, Queue};
pub use store::Store;
pub use tenants::Tenants;
