//! The tenants and their endpoints, ready for use: URLs parsed, keys read, programs compiled once
//! per version of an endpoint.

mod content;
mod limits;
mod ready;
#[expect(
    clippy::module_inception,
    reason = "the type that the folder is named after"
)]
mod registry;
mod tenant;

pub use limits::{Budget, Limits, Reserved};
pub use ready::{DEFERRED_BODY, EndpointError, Ready};
pub use registry::Registry;
pub use tenant::Tenant;
