//! Serves the pages beside the API.

use std::sync::Arc;

use axum::Router;
use webhook_model::Clock;

use crate::api::{self, Access};
use crate::config::PagesConfig;
use crate::pages::{self, Backend, FramePolicy, KeyGate, Pages};

/// Adds the pages to the routes of the API, unless they are turned off.
pub fn beside(config: &PagesConfig, api: Router, access: Access, clock: &Clock) -> Router {
    if !config.enabled {
        return api;
    }
    let is_open = access.is_open();
    let pages = Pages::new(pages::Parts {
        backend: Backend::new(api.clone()),
        gate: Arc::new(KeyGate::new(access)),
        clock: clock.clone(),
        is_https: config
            .url
            .as_ref()
            .is_some_and(|url| url.starts_with("https:")),
    });
    let pages = pages::router(pages, FramePolicy::new(&config.embed_origins));
    api.merge(if is_open {
        api::for_this_machine(pages)
    } else {
        pages
    })
}
