//! The routes of the API.

use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Router, middleware};
use problem_details::Problem;

use super::error::ApiError;
use super::guard::{self, Guard};
use super::state::Api;
use super::{
    audit, auth, browser, dead_letters, deliveries, delivery_body, endpoints, event_list, events,
    health, keys, portal, preview, replay, stats, stream, tenants, test_delivery,
};
use crate::keys::Permission::{self, Administer, Enter, Operate, Publish, Read};

const OPENAPI: &str = include_str!("openapi.json");

/// The allowance of a request beyond the event's data, in bytes.
const BESIDE_DATA: usize = 64 * 1024;

/// Returns all routes. Everything under `/v1` requires a key with the permission of the route, `/metrics`
/// an administrator's key or the token for metrics, and health none. Without a configured key, requests
/// of pages in a browser are rejected.
pub fn router(api: Api, access: auth::Access) -> Router {
    let limit = DefaultBodyLimit::max(api.max_data_bytes.saturating_add(BESIDE_DATA));
    let v1 = guarded(v1(), &api)
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(limit)
        .layer(middleware::from_fn_with_state(access.clone(), auth::check));
    let is_open = access.is_open();
    let metrics = under(metrics())
        .method_not_allowed_fallback(not_allowed)
        .layer(middleware::from_fn_with_state(access, auth::check_metrics));
    let all = under(health())
        .merge(metrics)
        .nest("/v1", v1)
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .with_state(api);
    if is_open { for_this_machine(all) } else { all }
}

/// Rejects requests of pages in a browser that another origin has sent: see [`browser`].
pub fn for_this_machine(router: Router) -> Router {
    router.layer(middleware::from_fn(browser::check))
}

/// A method of a path, its rule and its handler.
struct Route {
    /// Compared with the OpenAPI document by a test.
    #[cfg_attr(not(test), expect(dead_code, reason = "the handler knows it as well"))]
    method: Method,
    path: &'static str,
    permission: Permission,
    /// The name of the change in the audit list.
    action: Option<&'static str>,
    handler: MethodRouter<Api>,
}

impl Route {
    /// Enters requests in the audit list as this action.
    fn audited(self, action: &'static str) -> Self {
        Self {
            action: Some(action),
            ..self
        }
    }
}

fn route<H, T>(method: Method, path: &'static str, permission: Permission, handler: H) -> Route
where
    H: Handler<T, Api>,
    T: 'static,
{
    let handler = match MethodFilter::try_from(method.clone()) {
        Ok(filter) => on(filter, handler),
        // Unreachable: every standard method has a filter.
        Err(_) => MethodRouter::new(),
    };
    Route {
        method,
        path,
        permission,
        action: None,
        handler,
    }
}

fn under(routes: Vec<Route>) -> Router<Api> {
    routes.into_iter().fold(Router::new(), |router, route| {
        router.route(route.path, route.handler)
    })
}

/// Returns routes that each check their permission and enter their changes in the audit list.
fn guarded(routes: Vec<Route>, api: &Api) -> Router<Api> {
    let guarded = routes.into_iter().map(|route| {
        let guard = Guard {
            permission: route.permission,
            action: route.action,
            audit: api.audit.clone(),
            feed: api.feed.clone(),
            clock: api.clock.clone(),
        };
        let layer = middleware::from_fn_with_state(guard, guard::check);
        Route {
            handler: route.handler.layer(layer),
            ..route
        }
    });
    under(guarded.collect())
}

/// Returns the routes that require no key.
fn health() -> Vec<Route> {
    vec![
        route(Method::GET, "/healthz", Enter, health::live),
        route(Method::GET, "/readyz", Enter, health::ready),
    ]
}

/// Returns the routes that accept the token for metrics.
fn metrics() -> Vec<Route> {
    vec![route(Method::GET, "/metrics", Administer, health::metrics)]
}

/// Returns the routes under `/v1`.
fn v1() -> Vec<Route> {
    let (get, put, post) = (Method::GET, Method::PUT, Method::POST);
    let (patch, delete) = (Method::PATCH, Method::DELETE);
    let tenant = "/tenants/{tenant}";
    let endpoints = "/tenants/{tenant}/endpoints";
    let endpoint = "/tenants/{tenant}/endpoints/{endpoint}";
    let rotate = "/tenants/{tenant}/endpoints/{endpoint}/rotate-secret";
    let events = "/tenants/{tenant}/events";
    let event = "/tenants/{tenant}/events/{event}";
    let data = "/tenants/{tenant}/events/{event}/data";
    let sums = "/tenants/{tenant}/stats";
    let stats = "/tenants/{tenant}/endpoints/{endpoint}/stats";
    let body = "/tenants/{tenant}/deliveries/{delivery}/body";
    let deliveries = "/tenants/{tenant}/deliveries";
    let delivery = "/tenants/{tenant}/deliveries/{delivery}";
    let dead_letters = "/tenants/{tenant}/dead-letters";
    let rejected = "/dead-letters/{id}";
    let retry = "/dead-letters/{id}/retry";
    let replay = "/tenants/{tenant}/replay";
    let preview = "/tenants/{tenant}/preview";
    let test = "/tenants/{tenant}/endpoints/{endpoint}/test";
    let stream = "/tenants/{tenant}/deliveries/stream";
    let portal = "/tenants/{tenant}/portal-sessions";
    let session = "/tenants/{tenant}/portal-sessions/{session}";
    let renew = "/tenants/{tenant}/portal-sessions/{session}/renew";
    vec![
        route(get.clone(), "/openapi.json", Enter, document),
        route(get.clone(), "/tenants", Read, tenants::list),
        route(get.clone(), tenant, Read, tenants::get),
        route(put, tenant, Administer, tenants::put).audited("tenant.create"),
        route(delete.clone(), tenant, Administer, tenants::delete).audited("tenant.delete"),
        route(get.clone(), endpoints, Read, endpoints::list),
        route(post.clone(), endpoints, Operate, endpoints::add).audited("endpoint.create"),
        route(get.clone(), endpoint, Read, endpoints::get),
        route(patch, endpoint, Operate, endpoints::change).audited("endpoint.change"),
        route(delete.clone(), endpoint, Operate, endpoints::delete).audited("endpoint.delete"),
        route(post.clone(), rotate, Operate, endpoints::rotate).audited("endpoint.rotate-secret"),
        route(post.clone(), events, Publish, events::publish),
        route(get.clone(), events, Read, event_list::list),
        route(get.clone(), event, Read, event_list::get),
        route(get.clone(), deliveries, Read, deliveries::list),
        route(get.clone(), delivery, Read, deliveries::get),
        route(get.clone(), dead_letters, Read, dead_letters::of_tenant),
        route(post.clone(), replay, Operate, replay::replay).audited("deliveries.replay"),
        route(
            get.clone(),
            "/dead-letters",
            Administer,
            dead_letters::unassigned,
        ),
        route(get.clone(), rejected, Read, dead_letters::get),
        route(post.clone(), retry, Operate, dead_letters::retry).audited("dead-letter.retry"),
        route(get.clone(), "/keys", Administer, keys::list),
        route(post.clone(), "/keys", Administer, keys::create).audited("key.create"),
        route(delete.clone(), "/keys/{key}", Administer, keys::delete).audited("key.delete"),
        route(get.clone(), portal, Operate, portal::list),
        route(post.clone(), portal, Operate, portal::open).audited("portal-session.create"),
        route(post.clone(), renew, Operate, portal::renew).audited("portal-session.renew"),
        route(delete.clone(), session, Operate, portal::revoke).audited("portal-session.revoke"),
        route(get.clone(), "/audit", Administer, audit::list),
        route(post.clone(), preview, Operate, preview::show),
        route(post.clone(), test, Operate, test_delivery::send).audited("endpoint.test"),
        route(get.clone(), stream, Read, stream::follow),
        route(get.clone(), sums, Read, stats::of_tenant),
        route(get.clone(), stats, Read, stats::of_endpoint),
        route(get, body, Read, delivery_body::get),
        route(delete, data, Operate, event_list::erase).audited("event.erase"),
    ]
}

async fn document() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], OPENAPI)
}

async fn not_found(uri: axum::http::Uri) -> ApiError {
    ApiError::not_found("path", uri.path())
}

async fn not_allowed() -> ApiError {
    Problem::new(405, "method-not-allowed", "Method not allowed").into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_document_describes_every_route_and_no_other() {
        let named = |prefix: &str, route: &Route| {
            let method = route.method.as_str().to_lowercase();
            format!("{method} {prefix}{}", route.path)
        };
        let open: Vec<_> = health().into_iter().chain(metrics()).collect();
        let v1 = v1();
        let served = open.iter().map(|route| named("", route));
        let served: BTreeSet<_> = served.chain(v1.iter().map(|it| named("/v1", it))).collect();
        let document: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
        let mut described = BTreeSet::new();
        for (path, operations) in document["paths"].as_object().unwrap() {
            let methods = operations.as_object().unwrap().keys();
            let methods = methods.filter(|name| *name != "parameters");
            described.extend(methods.map(|method| format!("{method} {path}")));
        }
        assert_eq!(served, described);
    }

    #[test]
    fn every_route_that_changes_state_is_audited() {
        // Publishing has a list of its own, the events. A preview changes nothing.
        let exempt = ["/tenants/{tenant}/events", "/tenants/{tenant}/preview"];
        for route in v1() {
            let changes = route.method != Method::GET && !exempt.contains(&route.path);
            let (method, path) = (&route.method, route.path);
            assert_eq!(route.action.is_some(), changes, "{method} {path}");
        }
    }
}
