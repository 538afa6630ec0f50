//! The pages at `/ui`: rendered on the server, and usable without scripts.
//!
//! The pages are a client of the [API](crate::api) inside the process: see [`backend`]. Everything that
//! publishers, tenants and receivers wrote is a [`text::Text`], which templates show as text.

mod assets;
mod backend;
mod badge;
mod chart;
mod cookie;
mod csrf;
mod error;
mod error_page;
mod event_stream;
mod gate;
mod headers;
mod json_text;
mod key_gate;
mod layout;
mod link;
mod moment;
mod notice;
mod routes;
mod state;
mod stats;
mod text;
mod views;
mod visit;
mod wire;

pub use backend::Backend;
pub use headers::FramePolicy;
pub use key_gate::KeyGate;
pub use routes::router;
pub use state::{Pages, Parts};
