//! The HTTP API, its health and its metrics. `openapi.json` describes all of it.

mod audit;
mod auth;
mod browser;
mod dead_letters;
mod deliveries;
mod endpoints;
mod error;
mod event_list;
mod events;
mod extract;
mod guard;
mod health;
mod keys;
mod lifetime;
mod moment;
mod permit;
mod portal;
mod preview;
mod previews;
mod replay;
mod routes;
mod server;
mod state;
mod stream;
mod tenants;
mod test_delivery;
mod throttle;

pub use auth::{Access, Token};
pub use error::ApiError;
pub use extract::CLI_AGENT;
pub use previews::Previews;
pub use routes::{for_this_machine, router};
pub use server::{Limits, Peer, serve};
pub use state::{Api, Parts, Status};
