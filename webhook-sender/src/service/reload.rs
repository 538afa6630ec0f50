//! Reloads the configuration of a running sender, and retries failed handshakes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use webhook_model::{AuditChange, AuditOutcome, Backoff, Clock};
use webhook_store::Tenants;

use super::descriptors;
use crate::audit::{AuditDetail, AuditLog, Author};
use crate::config::{
    Applied, ApplyError, Config, Diagnostic, FailedHandshake, Rules, apply, longest_attempt,
    outlasts, retry_handshakes,
};
use crate::deliver::{Handle, Settings};
use crate::handshake::ByHttp;
use crate::keys::Keyring;
use crate::plan::DispatchPort;
use crate::registry::Registry;

/// The waits before failed handshakes are retried, from the first to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The state that a reload changes: tenants, endpoints, retry policies and the limits of delivery.
pub struct Reload {
    pub path: PathBuf,
    pub store: Arc<dyn Tenants>,
    pub registry: Arc<Registry>,
    pub dispatcher: Handle,
    pub rules: watch::Sender<Arc<Rules>>,
    pub handshakes: ByHttp,
    pub clock: Clock,
    /// The configuration at startup. Some of its keys stay in force until the process ends.
    pub first: Config,
    /// The configuration that was applied last.
    pub current: Config,
    pub retry: RetryTimer,
    pub keyring: Arc<Keyring>,
    pub audit: AuditLog,
}

/// The work to retry, and the time of the next retry.
pub struct RetryTimer {
    at: Option<Instant>,
    backoff: Backoff,
    handshakes: Vec<FailedHandshake>,
    /// True if the last configuration was applied in part only.
    partly_applied: bool,
}

impl Default for RetryTimer {
    fn default() -> Self {
        Self {
            at: None,
            backoff: Backoff::new(FIRST_WAIT, LONGEST_WAIT),
            handshakes: Vec::new(),
            partly_applied: false,
        }
    }
}

impl RetryTimer {
    /// Sets the handshakes to retry. Without any, nothing is retried.
    fn set(&mut self, handshakes: Vec<FailedHandshake>) {
        if handshakes.is_empty() {
            *self = Self::default();
            return;
        }
        self.partly_applied = false;
        self.handshakes = handshakes;
        self.schedule();
    }

    /// Schedules another application of the whole configuration.
    fn apply_again(&mut self) {
        self.partly_applied = true;
        self.schedule();
    }

    fn schedule(&mut self) {
        self.at = Some(Instant::now() + self.backoff.next_wait());
    }
}

impl Reload {
    /// Reads the file and applies it. A file with errors changes nothing.
    pub async fn reload(&mut self) {
        match self.try_reload().await {
            Ok(summary) => tracing::info!(summary, "configuration applied"),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "configuration not applied")
            }
        }
    }

    /// Waits until failed handshakes are due for a retry or the store has lost its content, which may be
    /// never, and handles that. Cancelling the wait is safe: the next call handles it.
    pub async fn catch_up(&mut self) {
        let registry = self.registry.clone();
        let at = self.retry.at;
        let again = async move {
            match at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = again => self.retry().await,
            () = registry.content_lost() => self.restore().await,
        }
    }

    async fn retry(&mut self) {
        if self.retry.partly_applied {
            if let Err(error) = self.apply(&self.current.clone()).await {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "configuration not applied again"
                );
                self.retry.apply_again();
            }
        } else if let Err(error) = self.retry_handshakes().await {
            tracing::warn!(error = format!("{error:#}"), "handshakes not retried");
            self.retry.schedule();
        }
    }

    /// Retries failed handshakes only: the store may hold a newer file of another process, which
    /// applying the remembered configuration would undo.
    async fn retry_handshakes(&mut self) -> Result<()> {
        let failed = self.retry.handshakes.clone();
        let (store, now) = (&*self.store, self.clock.now());
        let retried =
            retry_handshakes(&self.current, &failed, store, &self.handshakes, now).await?;
        self.retry.set(retried.failed);
        if retried.accepted > 0 {
            self.registry.refresh().await?;
            self.dispatcher.wake();
        }
        Ok(())
    }

    async fn restore(&mut self) {
        if matches!(self.store.identity().await, Ok(Some(_))) {
            // Another process did, or this one meanwhile.
            return;
        }
        tracing::warn!("the store has lost its content; restoring the configuration");
        match self.apply(&self.current.clone()).await {
            Ok(_) => tracing::info!("configuration restored"),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "configuration not restored")
            }
        }
    }

    /// Applies `config` like [`apply`](Self::apply), with an entry in the audit list. An entry that cannot
    /// be written prevents nothing, because a full store must not keep a sender from starting: the log
    /// has the change then.
    pub async fn apply_audited(&mut self, config: &Config) -> Result<()> {
        let before = self.key_names();
        let begun = self
            .audit
            .begin(&Author::configuration(), "configuration.apply", None, None)
            .await
            .inspect_err(
                |error| tracing::warn!(%error, "configuration applied without an audit entry"),
            );
        let applied = self.apply(config).await;
        if let Ok(begun) = begun {
            let (outcome, detail) = described(&applied, before, self.key_names());
            self.audit.end(begun, outcome, detail).await;
        }
        applied.map(drop)
    }

    /// Returns the names and the ids of the keys of the file.
    fn key_names(&self) -> Vec<String> {
        let keys = self.keyring.configured();
        let keys = keys.iter().map(|key| format!("{} {}", key.name, key.id));
        keys.collect()
    }

    /// Applies `config` to the store, the registry, the keys and the limits. Idempotent: parts that
    /// already agree are not written.
    pub async fn apply(&mut self, config: &Config) -> Result<Applied> {
        self.handshakes.timeout = config.delivery.timeout;
        let (store, now) = (&*self.store, self.clock.now());
        let (applied, failed) = apply(config, store, &self.handshakes, now).await?;
        self.keyring.configure(config.api.configured_keys());
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
        self.dispatcher
            .set_settings(settings(config, self.first.delivery.lease));
        self.dispatcher.wake();
        self.retry.set(failed);
        self.warn_of_cut_timeouts();
        descriptors::log_bound(config.delivery.places);
        Ok(applied)
    }

    async fn try_reload(&mut self) -> Result<String> {
        let config = load(Path::new(&self.path)).await?;
        if let Err(faults) = config.fits(&self.rules_of(&config)) {
            let faults: Vec<_> = faults.iter().map(Diagnostic::to_string).collect();
            bail!(
                "a restart is required, because `delivery.lease`, `allow_http`, `allow_networks` and \
                 `deny_networks` keep their values from the start: {}",
                faults.join("; ")
            );
        }
        let keys = self.first.needs_restart(&config);
        if !keys.is_empty() {
            tracing::warn!(
                keys = keys.join(", "),
                "changed keys take effect after a restart only"
            );
        }
        let applied = self.apply_audited(&config).await;
        let refused = |error: &anyhow::Error| {
            let error = error.downcast_ref::<ApplyError>();
            matches!(error, Some(ApplyError::Removal(_)))
        };
        let summary = config.summary();
        if !applied.as_ref().is_err_and(refused) {
            // The writes before an error are kept, and the previous file would undo them.
            self.current = config;
            if applied.is_err() {
                self.retry.apply_again();
            }
        }
        applied?;
        Ok(summary)
    }

    /// Returns the rules for declarations. Addresses, lease and the folder of components are those of
    /// the start.
    fn rules_of(&self, config: &Config) -> Rules {
        let held = self.first.rules();
        Rules {
            policy: held.policy,
            lease: held.lease,
            components: held.components,
            ..config.rules()
        }
    }

    /// Logs the endpoints whose timeout is cut. They were stored under a longer lease and are still
    /// delivered to.
    fn warn_of_cut_timeouts(&self) {
        let lease = self.first.delivery.lease;
        for ready in self.registry.endpoints() {
            let (tenant, endpoint) = (&ready.endpoint.tenant, &ready.endpoint.id);
            if let Some(detail) = ready.endpoint.timeout.and_then(|it| outlasts(it, lease)) {
                tracing::warn!(%tenant, %endpoint, detail, "timeout limited to half of the lease");
            }
        }
    }
}

/// Describes the application of a configuration for the audit list.
fn described(
    applied: &Result<Applied>,
    before: Vec<String>,
    after: Vec<String>,
) -> (AuditOutcome, AuditDetail) {
    let (outcome, mut detail) = match applied {
        Ok(applied) => {
            let detail = AuditDetail::default().with("declarations", applied.to_string());
            (AuditOutcome::Done, detail)
        }
        Err(_) => {
            let outcome = AuditOutcome::Failed("not-applied".into());
            (outcome, AuditDetail::default())
        }
    };
    if after != before {
        detail = detail.changed(vec![AuditChange {
            field: "keys".into(),
            from: Some(before.into()),
            to: Some(after.into()),
        }]);
    }
    (outcome, detail)
}

/// Loads the file on a blocking thread, because it may declare components to compile.
pub async fn load(path: &Path) -> Result<Config> {
    let path = path.to_owned();
    let loaded = tokio::task::spawn_blocking(move || Config::load(&path)).await?;
    loaded.map_err(Into::into)
}

/// Returns the limits of delivery from the file, bounded by the lease of this process.
pub fn settings(config: &Config, lease: Duration) -> Settings {
    Settings {
        permits: descriptors::places(config.delivery.places),
        permits_per_endpoint: config.delivery.max_in_flight,
        timeout: config.delivery.timeout,
        longest_timeout: longest_attempt(lease),
        disable_after: config.delivery.disable_after,
        keep_response: config.delivery.keep_response,
        retry: config.retry(),
    }
}
