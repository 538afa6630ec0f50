//! Runs a Spin HTTP app from its `spin.toml` on an embedded wasmtime, where the Spin CLI is
//! missing.
//!
//! [`App::load`] reads the manifest, [`Host::start`] compiles its components and opens its
//! stores, and [`serve`] answers HTTP until told to stop:
//!
//! ```no_run
//! # async fn run() -> anyhow::Result<()> {
//! use spin_local::{App, Given, Host, Limits, RuntimeConfig, Settings, serve};
//!
//! let app = App::load("spin.toml".as_ref(), &Given::default())?;
//! let settings = Settings {
//!     state_dir: ".spin".into(),
//!     log_dir: ".spin/logs".into(),
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

mod allowed_hosts;
mod cli;
mod componentize;
mod compose;
mod engine;
mod headers;
mod host;
mod manifest;
mod routes;
mod runtime_config;
mod server;
mod toml_text;
mod variables;

pub use allowed_hosts::{AllowedHost, AllowedHostError, allows, allows_relative};
pub use cli::{Cli, run};
pub use engine::Limits;
pub use host::{Host, Settings};
pub use manifest::{
    App, Component, Dependency, DependencyName, DependencyNameError, Given, ManifestError, Route,
};
pub use routes::{RouteError, RouteMatch, Router};
pub use runtime_config::{BlockedNetworks, RuntimeConfig, RuntimeConfigError};
pub use server::serve;
pub use toml_text::Fault;
pub use variables::{Provider, VariableError};
