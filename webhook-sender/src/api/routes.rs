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
use super::state::Api;
use super::{
    auth, browser, dead_letters, deliveries, delivery_body, endpoint_stats, endpoints, event_list,
    events, health, replay, tenants,
};

const OPENAPI: &str = include_str!("openapi.json");

/// The allowance of a request beyond the event's data, in bytes.
const BESIDE_DATA: usize = 64 * 1024;

/// Returns all routes. Everything under `/v1` requires the token, `/metrics` the token or the one for
/// metrics, and health none. Without a configured token, requests of pages in a browser are rejected.
pub fn router(api: Api, access: auth::Access) -> Router {
    let limit = DefaultBodyLimit::max(api.max_data_bytes.saturating_add(BESIDE_DATA));
    let v1 = under(v1())
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(limit)
        .layer(middleware::from_fn_with_state(access.clone(), auth::check));
    let is_open = access.token.is_none();
    let metrics = under(metrics())
        .method_not_allowed_fallback(not_allowed)
        .layer(middleware::from_fn_with_state(access, auth::check_metrics));
    let all = under(health())
        .merge(metrics)
        .nest("/v1", v1)
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .with_state(api);
    if is_open {
        all.layer(middleware::from_fn(browser::check))
    } else {
        all
    }
}

/// A method of a path, and its handler.
struct Route {
    /// Compared with the OpenAPI document by a test.
    #[cfg_attr(not(test), expect(dead_code, reason = "the handler knows it as well"))]
    method: Method,
    path: &'static str,
    handler: MethodRouter<Api>,
}

fn route<H, T>(method: Method, path: &'static str, handler: H) -> Route
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
        handler,
    }
}

fn under(routes: Vec<Route>) -> Router<Api> {
    routes.into_iter().fold(Router::new(), |router, route| {
        router.route(route.path, route.handler)
    })
}

/// Returns the routes that require no token.
fn health() -> Vec<Route> {
    vec![
        route(Method::GET, "/healthz", health::live),
        route(Method::GET, "/readyz", health::ready),
    ]
}

/// Returns the routes that accept the token for metrics.
fn metrics() -> Vec<Route> {
    vec![route(Method::GET, "/metrics", health::metrics)]
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
    let stats = "/tenants/{tenant}/endpoints/{endpoint}/stats";
    let body = "/tenants/{tenant}/deliveries/{delivery}/body";
    let deliveries = "/tenants/{tenant}/deliveries";
    let delivery = "/tenants/{tenant}/deliveries/{delivery}";
    let dead_letters = "/tenants/{tenant}/dead-letters";
    let retry = "/dead-letters/{id}/retry";
    vec![
        route(get.clone(), "/openapi.json", document),
        route(get.clone(), "/tenants", tenants::list),
        route(get.clone(), tenant, tenants::get),
        route(put, tenant, tenants::put),
        route(delete.clone(), tenant, tenants::delete),
        route(get.clone(), endpoints, endpoints::list),
        route(post.clone(), endpoints, endpoints::add),
        route(get.clone(), endpoint, endpoints::get),
        route(patch, endpoint, endpoints::change),
        route(delete.clone(), endpoint, endpoints::delete),
        route(get.clone(), stats, endpoint_stats::get),
        route(post.clone(), rotate, endpoints::rotate),
        route(post.clone(), events, events::publish),
        route(get.clone(), events, event_list::list),
        route(get.clone(), event, event_list::get),
        route(delete, data, event_list::erase),
        route(get.clone(), deliveries, deliveries::list),
        route(get.clone(), delivery, deliveries::get),
        route(get.clone(), body, delivery_body::get),
        route(get.clone(), dead_letters, dead_letters::of_tenant),
        route(post.clone(), "/tenants/{tenant}/replay", replay::replay),
        route(get, "/dead-letters", dead_letters::unassigned),
        route(post, retry, dead_letters::retry),
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
}
