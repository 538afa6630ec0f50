//! What the tests across the workspace share: built components, apps running as real processes,
//! a receiver that records what arrives, and a small HTTP client.
//!
//! It promises its tests three things: what they test was built from the tree as it stands
//! ([`components`]), every wait is for an event and never for a time to pass, and a wait that
//! would last for ever ends the test with what was seen so far ([`within_patience`]).
//!
//! ```no_run
//! # async fn run() {
//! use test_support::{App, Behaviour, Receiver, Request, Runtime, components};
//!
//! let receiver = Receiver::start().await;
//! receiver.on("/target", Behaviour::status(200));
//! let app = App::from(components::producer())
//!     .args(["--sqlite", &format!("@{}", components::migrations().display())])
//!     .args(["--variable", "allow_private_hosts=true"])
//!     .start(&Runtime::spin_local())
//!     .await;
//! let body = format!(r#"{{"url": "{}", "event": "*"}}"#, receiver.url("/target"));
//! let reply = Request::post(app.url("/registrations")).json(body).send().await;
//! assert_eq!(reply.status, 201);
//! assert_eq!(receiver.received(1).await.len(), 1);
//! # }
//! ```
//!
//! Everything here panics where it cannot do what it was asked to: it runs in tests only.

pub mod app;
pub mod client;
pub mod clock;
pub mod components;
pub mod conformance;
mod output;
mod patience;
pub mod raw;
pub mod raw_http2;
mod raw_receiver;
pub mod receiver;
pub mod redis;
pub mod runtime;
pub mod tls;

pub use app::{App, Ended, Running};
pub use client::{Reply, Request};
pub use patience::within_patience;
pub use raw_receiver::{Counts, RawReceiver};
pub use receiver::{Behaviour, Receiver, Recorded};
pub use runtime::Runtime;
