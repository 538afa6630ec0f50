//! Runs a Spin HTTP app from its `spin.toml` on an embedded wasmtime, without the Spin CLI.
//!
//! [`App::load`] reads the manifest, [`Host::start`] compiles the components and opens the stores,
//! and [`serve`] serves HTTP until shutdown:
//!
//! ```no_run
//! # async fn run() -> anyhow::Result<()> {
//! use spin_local::{App, Host, Limits, Overrides, RuntimeConfig, Settings, serve};
//!
//! let app = App::load("spin.toml".as_ref(), &Overrides::default())?;
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
//! Guests see the same routes, headers, stores and errors as on Spin. Settings that `spin-local` does
//! not support are errors at load, with their name and line.

#![cfg_attr(not(test), deny(clippy::disallowed_macros, clippy::disallowed_methods))]
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod allowed_hosts;
mod build;
mod cli;
mod componentize;
mod compose;
mod engine;
mod file_limit;
mod host;
mod manifest;
mod private_files;
mod routes;
mod runtime_config;
mod server;
mod spin_headers;
mod stall_timer;
mod terminal;
mod unsupported;
mod variables;

pub use allowed_hosts::{AllowedHost, AllowedHostError, allows, allows_relative};
pub use cli::{Cli, run};
pub use engine::Limits;
pub use host::{Host, Settings};
pub use manifest::{
    App, Build, Component, Dependency, DependencyName, DependencyNameError, FileMount,
    ManifestError, Overrides, StaticResponse,
};
pub use routes::{Route, RouteError, RouteMatch, RouteTarget, Router};
pub use runtime_config::{BlockedNetworks, RuntimeConfig, RuntimeConfigError};
pub use server::serve;
pub use variables::{Provider, VariableError};
