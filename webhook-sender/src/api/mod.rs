//! The HTTP API, its health and its metrics. `openapi.json` describes all of it.

mod auth;
mod browser;
mod dead_letters;
mod deliveries;
mod delivery_body;
mod delivery_view;
mod endpoint_stats;
mod endpoints;
mod error;
mod event_list;
mod events;
mod extract;
mod health;
mod moment;
mod replay;
mod routes;
mod server;
mod state;
mod tenants;
mod throttle;

pub use auth::{Access, Token};
pub use error::ApiError;
pub use extract::CLI_AGENT;
pub use routes::router;
pub use server::{Limits, serve};
pub use state::{Api, Parts, Status};
