//! The host: compiled components, the stores behind their labels, and the state of each request.
//!
//! Each capability has a module of its own: [`key_value`], [`sqlite`], [`postgres`], [`redis`],
//! [`outbound_http`] and [`variables`]. The dependencies between the modules go from top to bottom
//! in this list:
//!
//! - [`startup`] builds a [`Host`] from an app, and [`request`] runs its guests.
//! - [`link`] compiles a component and links it to the capabilities.
//! - The capabilities implement the interfaces of guests for [`state::State`], the state of one
//!   request.
//! - [`grants`] are the capabilities of a component, shared by its requests: its
//!   [stores], [files], [logs](stdio) and [network].

mod bindings;
mod blocking;
mod denial;
mod files;
mod grants;
mod http_client;
mod imports;
mod key_value;
mod limit;
mod link;
mod loaded_app;
mod meter;
mod network;
mod outbound_http;
mod permits;
mod postgres;
mod redis;
mod request;
mod server;
mod settings;
mod sqlite;
mod startup;
mod state;
mod stdio;
mod stores;
mod variables;

pub use loaded_app::Host;
pub(crate) use outbound_http::chained_component;
pub(crate) use request::GuestResponse;
pub use settings::Settings;
pub(crate) use stores::Stores;
