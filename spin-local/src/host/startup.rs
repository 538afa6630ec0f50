//! Starting a host: opening stores and logs, and compiling components.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;

use super::files::Files;
use super::grants::Grants;
use super::http_client::HttpClient;
use super::link::{link, linker};
use super::loaded_app::{Guest, Host, LoadedApp};
use super::network::Network;
use super::permits::Permits;
use super::settings::Settings;
use super::stdio::Logs;
use super::stores::Stores;
use crate::manifest::App;
use crate::routes::Router;
use crate::runtime_config::RuntimeConfig;
use crate::{engine, private_files};

impl Host {
    /// Opens the stores and logs, and composes, compiles and links every component.
    /// `own_address` is the address on which the app will listen, for requests of a guest to
    /// `self`.
    ///
    /// # Errors
    ///
    /// A file cannot be read or opened, a dependency does not fit, or a component has an import
    /// that the host does not have or no HTTP handler. The message names the component.
    pub fn start(
        app: App,
        config: RuntimeConfig,
        settings: Settings,
        own_address: SocketAddr,
    ) -> anyhow::Result<Self> {
        let stores = Stores::open(&app, &config, &settings.state_dir)?;
        Self::with_stores(app, &config, settings, own_address, &stores)
    }

    /// Starts like [`Host::start`], with stores that are already open.
    pub(crate) fn with_stores(
        app: App,
        config: &RuntimeConfig,
        settings: Settings,
        own_address: SocketAddr,
        stores: &Stores,
    ) -> anyhow::Result<Self> {
        let router = Router::new(&app.routes)?;
        let engine = engine::new(&settings.limits)?;
        let linker = linker(&engine)?;
        let log_dir = settings.log_dir.as_deref();
        log_dir.map(private_files::create_state_dir).transpose()?;
        let client = HttpClient::new();
        let mut guests = BTreeMap::new();
        let mut permits: Option<Vec<u32>> = None;
        for (index, component) in app.components.into_iter().enumerate() {
            if !component.triggered {
                continue;
            }
            let (proxy, capacity) = link(&engine, linker.clone(), &component, &settings.limits)
                .with_context(|| format!("component `{}`", component.id))?;
            permits = Some(match permits {
                None => capacity,
                Some(before) => before.into_iter().zip(capacity).map(least).collect(),
            });
            let logs = Logs::open(log_dir, &component.id, settings.quiet)?;
            let files = Files::copy(&component, &app.dir)
                .with_context(|| format!("component `{}`", component.id))?;
            let network = Network {
                allowed: component.allowed_outbound_hosts.clone(),
                blocked: config.blocked.clone(),
                own_address,
                client: client.clone(),
            };
            let grants = Arc::new(Grants::new(component, stores, files, logs, network));
            guests.insert(index, Guest { grants, proxy });
        }
        Ok(Self(Arc::new(LoadedApp {
            engine,
            router,
            guests,
            static_responses: app.static_responses,
            permits: Permits::new(permits.unwrap_or_default()),
            limits: settings.limits,
        })))
    }
}

fn least((one, other): (u32, u32)) -> u32 {
    one.min(other)
}
