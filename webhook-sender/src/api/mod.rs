//! The HTTP API, its health and its metrics. `openapi.json` describes all of it.

mod auth;
mod dead_letters;
mod deliveries;
mod endpoints;
mod error;
mod events;
mod extract;
mod health;
mod moment;
mod replay;
mod routes;
mod state;
mod tenants;

pub use auth::Token;
pub use error::ApiError;
pub use routes::router;
pub use state::{Api, Parts, Status};
