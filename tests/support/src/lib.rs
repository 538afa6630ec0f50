//! Shared helpers of the tests: built components, apps as real processes, a receiver that records
//! requests, and a small HTTP client.
//!
//! It guarantees three things: components and programs are built from the current tree
//! ([`components`]), every wait is for an event rather than for a time to pass, and a wait that
//! hangs fails the test with a description of its progress ([`with_timeout`]).
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
//! Functions panic instead of returning errors: they run in tests only.

pub mod app;
mod brokers;
pub mod cases;
pub mod client;
pub mod clock;
pub mod components;
pub mod conformance;
pub mod nats;
mod nested_cargo;
mod output;
pub mod postgres;
mod private_server;
pub mod rabbitmq;
pub mod raw;
pub mod raw_http2;
mod raw_receiver;
pub mod receiver;
pub mod redis;
pub mod runtime;
pub mod stores;
pub mod tansu;
mod timeout;
pub mod tls;

pub use app::{App, Ended, Running};
pub use client::{Reply, Request};
pub use nested_cargo::without_package;
pub use private_server::free_port;
pub use raw_receiver::{Counts, RawReceiver};
pub use receiver::{Behaviour, Receiver, Recorded};
pub use runtime::Runtime;
pub use timeout::with_timeout;
