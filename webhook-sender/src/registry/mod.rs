//! A registry of tenants and their compiled endpoints: URLs parsed, keys read, programs compiled
//! once per version of an endpoint.

mod compiled_endpoint;
mod content;
mod limits;
#[expect(
    clippy::module_inception,
    reason = "the type that the folder is named after"
)]
mod registry;
mod tenant;

pub use compiled_endpoint::{CompiledEndpoint, DEFERRED_BODY, EndpointError};
pub use limits::{Budget, Limits, Reserved};
pub use registry::Registry;
pub use tenant::Tenant;
