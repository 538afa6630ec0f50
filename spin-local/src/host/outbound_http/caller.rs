//! The guest that makes an outbound request, and the components that it can call.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use wasmtime_wasi_http::WasiBody;

use crate::host::grants::Grants;
use crate::host::permits::Permit;

/// The timeout of Spin for guests that set none.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// The components of the app, as targets of calls between components.
pub(in crate::host) trait Components: Send + Sync {
    /// Returns the index of the component with this id, if a trigger names it.
    fn find(&self, id: &str) -> Option<usize>;

    /// Waits for a permit at `depth`. Returns `None` if the depth is not allowed.
    fn permit(&self, depth: usize) -> Pin<Box<dyn Future<Output = Option<Permit>> + Send + '_>>;

    /// Returns the response of the component at this index.
    fn call(
        &self,
        component: usize,
        permit: Permit,
        request: Request<WasiBody>,
    ) -> Pin<Box<dyn Future<Output = Response<WasiBody>> + Send + '_>>;
}

/// The guest that makes a request.
#[derive(Clone)]
pub(super) struct Caller {
    /// The targets of calls to other components of the app.
    pub(super) components: Arc<dyn Components>,
    pub(super) grants: Arc<Grants>,
    /// The number of components in the chain of calls that led to this one.
    pub(super) depth: usize,
}

/// Returns the timeout that a guest set, or Spin's default.
pub(super) fn timeout(requested: Option<Duration>) -> Duration {
    requested.unwrap_or(DEFAULT_TIMEOUT)
}
