//! Reading the configuration again, while running.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use webhook_model::Clock;
use webhook_store::Tenants;

use super::descriptors;
use crate::config::{ApplyError, Config, Diagnostic, Rules, apply, longest_attempt, outlasts};
use crate::deliver::{Handle, Settings};
use crate::handshake::ByHttp;
use crate::plan::DispatchPort;
use crate::registry::Registry;

/// How long after a handshake that failed it is made again; doubled each time up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What a reload changes: tenants, endpoints, retry policies and the limits of delivery.
pub struct Reload {
    pub path: PathBuf,
    pub store: Arc<dyn Tenants>,
    pub registry: Arc<Registry>,
    pub lanes: Handle,
    pub rules: watch::Sender<Arc<Rules>>,
    pub handshakes: ByHttp,
    pub clock: Clock,
    /// What the process was started with. Of some keys it is what holds until the end.
    pub first: Config,
    /// What was applied last.
    pub current: Config,
    pub again: Again,
}

/// When handshakes that failed are made again.
#[derive(Default)]
pub struct Again {
    at: Option<Instant>,
    pause: Duration,
}

impl Again {
    fn note(&mut self, waiting: usize) {
        if waiting == 0 {
            *self = Self::default();
            return;
        }
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.at = Some(Instant::now() + self.pause);
    }
}

impl Reload {
    /// Reads the file and applies it. One that cannot be used changes nothing.
    pub async fn reload(&mut self) {
        match self.try_reload().await {
            Ok(summary) => tracing::info!(summary, "configuration applied"),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "configuration not applied")
            }
        }
    }

    /// Applies the configuration again when handshakes that failed are to be made again, and when the
    /// store has lost content; that may be never. Giving up waiting leaves nothing undone that the
    /// next call does not do.
    pub async fn catch_up(&mut self) {
        let registry = self.registry.clone();
        let at = self.again.at;
        let again = async move {
            match at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = again => self.shake_again().await,
            () = registry.content_lost() => self.restore().await,
        }
    }

    async fn shake_again(&mut self) {
        if let Err(error) = self.apply(&self.current.clone()).await {
            tracing::warn!(error = format!("{error:#}"), "handshakes not made again");
            self.again.note(1);
        }
    }

    async fn restore(&mut self) {
        if matches!(self.store.identity().await, Ok(Some(_))) {
            // Another process did, or this one meanwhile.
            return;
        }
        tracing::warn!("the store has lost its content; restoring the configuration");
        match self.apply(&self.current.clone()).await {
            Ok(()) => tracing::info!("configuration restored"),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "configuration not restored")
            }
        }
    }

    /// Brings store, registry and limits to what `config` says. It may be called at any time and as
    /// often as needed: what is as it should be is left alone.
    pub async fn apply(&mut self, config: &Config) -> Result<()> {
        self.handshakes.timeout = config.delivery.timeout;
        let (store, now) = (&*self.store, self.clock.now());
        let applied = apply(config, store, &self.handshakes, now).await?;
        store.identify().await?;
        let declared = config.tenants.iter().map(|tenant| tenant.id.clone());
        self.registry.declare(declared.collect());
        let own = config
            .tenants
            .iter()
            .map(|tenant| (tenant.id.clone(), tenant.limits));
        self.registry.set_limits(config.limits, own.collect());
        tracing::info!(%applied, "tenants and endpoints declared");
        self.registry.refresh().await?;
        self.rules.send_replace(Arc::new(self.rules_of(config)));
        self.lanes
            .set_settings(settings(config, self.first.delivery.lease));
        self.lanes.wake();
        self.again.note(applied.waiting);
        self.tell_cut_short();
        descriptors::log_bound(config.delivery.places);
        Ok(())
    }

    async fn try_reload(&mut self) -> Result<String> {
        let config = load(Path::new(&self.path)).await?;
        if let Err(faults) = config.fits(&self.rules_of(&config)) {
            let faults: Vec<_> = faults.iter().map(Diagnostic::to_string).collect();
            bail!(
                "this needs a restart, as `delivery.lease`, `allow_http`, `allow_networks` and \
                 `deny_networks` are what they were at the start: {}",
                faults.join("; ")
            );
        }
        let keys = self.first.needs_restart(&config);
        if !keys.is_empty() {
            tracing::warn!(
                keys = keys.join(", "),
                "changed in the file, and applied by a restart only"
            );
        }
        let applied = self.apply(&config).await;
        let refused = |error: &anyhow::Error| {
            let error = error.downcast_ref::<ApplyError>();
            matches!(error, Some(ApplyError::Removal(_)))
        };
        let summary = config.summary();
        if !applied.as_ref().is_err_and(refused) {
            // What was done until an error is kept: the file before would undo it.
            self.current = config;
        }
        if applied.is_err() {
            self.again.note(1);
        }
        applied?;
        Ok(summary)
    }

    /// What declarations are held to: the addresses, the lease and the folder of components are those
    /// of the start.
    fn rules_of(&self, config: &Config) -> Rules {
        let held = self.first.rules();
        Rules {
            policy: held.policy,
            lease: held.lease,
            components: held.components,
            ..config.rules()
        }
    }

    /// Endpoints that were stored under a longer lease are served all the same.
    fn tell_cut_short(&self) {
        let lease = self.first.delivery.lease;
        for ready in self.registry.endpoints() {
            let (tenant, endpoint) = (&ready.endpoint.tenant, &ready.endpoint.id);
            if let Some(detail) = ready.endpoint.timeout.and_then(|it| outlasts(it, lease)) {
                tracing::warn!(%tenant, %endpoint, detail, "timeout cut to half of the lease");
            }
        }
    }
}

/// Reads the file away from the async threads: it may have components to compile.
pub async fn load(path: &Path) -> Result<Config> {
    let path = path.to_owned();
    let loaded = tokio::task::spawn_blocking(move || Config::load(&path)).await?;
    loaded.map_err(Into::into)
}

/// The limits of delivery as the file has them, under the lease of this process.
pub fn settings(config: &Config, lease: Duration) -> Settings {
    Settings {
        places: descriptors::places(config.delivery.places),
        per_endpoint: config.delivery.max_in_flight,
        timeout: config.delivery.timeout,
        longest: longest_attempt(lease),
        disable_after: config.delivery.disable_after,
        retry: config.retry(),
    }
}
