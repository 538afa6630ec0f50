//! The traits, implemented on Spin. An app's handler is:
//!
//! ```ignore
//! #[http_component]
//! fn handle(request: IncomingRequest, outparam: ResponseOutparam) {
//!     let mut log = Log::of("APP");
//!     let response = respond(&mut Incoming::new(request), &Spin::default(), &mut log);
//!     write_log(&log);
//!     send(response, outparam);
//! }
//! ```

mod bindings;
mod incoming;
#[cfg(feature = "local-store")]
mod local_store;
#[cfg(not(feature = "local-store"))]
mod no_local_store;
mod outgoing;
mod platform;
mod servers;
mod signatures;
mod stream;

pub use incoming::Incoming;
pub use outgoing::send;
pub use platform::Spin;
pub use stream::{write_all, write_log};
