//! Runs a Spin HTTP app from its `spin.toml` on an embedded wasmtime, where the Spin CLI is
//! missing.
//!
//! [`App::load`] reads the manifest, [`Host::start`] compiles its components and opens its
//! stores, and [`serve`] serves HTTP until it is to stop:
//!
//! ```no_run
//! # async fn run() -> anyhow::Result<()> {
//! use spin_local::{App, Given, Host, Limits, RuntimeConfig, Settings, serve};
//!
//! let app = App::load("spin.toml".as_ref(), &Given::default())?;
//! let settings = Settings {
//!     state_dir: ".spin".into(),
//!     log_dir: Some(".spin/logs".into()),
//!     quiet: false,
//!     limits: Limits::default(),
//! };
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let host = Host::start(app, RuntimeConfig::default(), settings, listener.local_addr()?)?;
//! serve(listener, host, async { tokio::signal::ctrl_c().await.unwrap() }).await;
//! # Ok(())
//! # }
//! ```
//!
//! What a guest sees is what it sees on Spin: routes, headers, stores, errors. What
//! `spin-local` does not support it refuses when it loads, by name and line.

#![cfg_attr(not(test), deny(clippy::disallowed_macros, clippy::disallowed_methods))]
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod allowed_hosts;
mod build;
mod cli;
mod componentize;
mod compose;
mod engine;
mod headers;
mod host;
mod manifest;
mod open_files;
mod patience;
mod private;
mod routes;
mod runtime_config;
mod server;
mod terminal;
mod toml_text;
mod variables;

pub use allowed_hosts::{AllowedHost, AllowedHostError, allows, allows_relative};
pub use cli::{Cli, run};
pub use engine::Limits;
pub use host::{Host, Settings};
pub use manifest::{
    App, Build, Component, Dependency, DependencyName, DependencyNameError, FileMount, Given,
    ManifestError, Route, RouteTarget, StaticResponse,
};
pub use routes::{RouteError, RouteMatch, Router};
pub use runtime_config::{BlockedNetworks, RuntimeConfig, RuntimeConfigError};
pub use server::serve;
pub use toml_text::Fault;
pub use variables::{Provider, VariableError};
