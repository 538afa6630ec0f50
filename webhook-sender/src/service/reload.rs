//! Reading the configuration again, while running.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use tokio::sync::watch;

use super::load;
use crate::config::{Config, Rules, apply};
use crate::deliver::{Handle, Lanes, Settings};
use crate::model::Clock;
use crate::registry::Registry;
use crate::store::Store;

/// What a reload changes: tenants, endpoints, retry policies and the limits of delivery.
pub struct Reload {
    pub path: PathBuf,
    pub store: Arc<dyn Store>,
    pub registry: Arc<Registry>,
    pub lanes: Handle,
    pub rules: watch::Sender<Arc<Rules>>,
    pub clock: Clock,
}

impl Reload {
    /// Reads the file and applies it. One that cannot be used changes nothing.
    pub async fn reload(&self) {
        match self.try_reload().await {
            Ok(summary) => tracing::info!(summary, "configuration applied"),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "configuration not applied")
            }
        }
    }

    /// Brings store, registry and limits to what `config` says.
    pub async fn apply(&self, config: &Config) -> Result<()> {
        let applied = apply(config, &*self.store, self.clock.now()).await?;
        tracing::info!(?applied, "tenants and endpoints declared");
        self.registry.refresh().await?;
        self.rules.send_replace(Arc::new(config.rules()));
        self.lanes.set_settings(settings(config));
        self.lanes.wake();
        Ok(())
    }

    async fn try_reload(&self) -> Result<String> {
        let config = load(Path::new(&self.path)).await?;
        self.apply(&config).await?;
        Ok(config.summary())
    }
}

/// The limits of delivery as the file has them.
pub fn settings(config: &Config) -> Settings {
    Settings {
        places: config.delivery.places,
        per_endpoint: config.delivery.max_in_flight,
        timeout: config.delivery.timeout,
        retry: config.retry(),
    }
}
