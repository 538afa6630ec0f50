//! A loaded app: its routes and its compiled components.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::Engine;
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use super::grants::Grants;
use super::permits::{Permit, Permits};
use super::state::State;
use crate::engine::Limits;
use crate::manifest::StaticResponse;
use crate::routes::{RouteTarget, Router};

/// A loaded app that can respond to requests. Cheap to clone.
#[derive(Clone)]
pub struct Host(pub(super) Arc<LoadedApp>);

/// The parts of a loaded app.
pub(super) struct LoadedApp {
    pub(super) engine: Engine,
    pub(super) router: Router,
    /// The components that a trigger names, by their indices in the app.
    pub(super) guests: BTreeMap<usize, Guest>,
    pub(super) static_responses: Vec<StaticResponse>,
    pub(super) permits: Permits,
    pub(super) limits: Limits,
}

/// A compiled and linked component of the app.
pub(super) struct Guest {
    pub(super) grants: Arc<Grants>,
    pub(super) proxy: ProxyPre<State>,
}

impl Host {
    pub(crate) fn router(&self) -> &Router {
        &self.0.router
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(crate) fn component_id(&self, index: usize) -> &str {
        &self.0.guests[&index].grants.component
    }

    pub(crate) fn static_response(&self, index: usize) -> &StaticResponse {
        &self.0.static_responses[index]
    }

    /// Returns the name of a target for the list of routes at start.
    pub(crate) fn name_of(&self, target: RouteTarget) -> &str {
        match target {
            RouteTarget::Component(index) => self.component_id(index),
            RouteTarget::Static(_) => "static response",
        }
    }

    /// Waits for a permit for an instance: at depth 0 for a request from a client, deeper for a
    /// call from another component. Returns `None` if the depth is not allowed.
    pub(crate) async fn permit(&self, depth: usize) -> Option<Permit> {
        self.0.permits.acquire(depth).await
    }

    /// Returns `true` while requests from clients wait for a permit.
    pub(crate) fn has_waiting_requests(&self) -> bool {
        self.0.permits.has_waiting()
    }

    /// Waits until no instance is left, including those that outlive their response.
    pub(crate) async fn wait_until_idle(&self) {
        self.0.permits.wait_until_all_free().await;
    }
}
