//! Checks a configuration that is reloaded by a running process.

use config_diagnostics::Diagnostic;
use webhook_client::check_url;

use super::{Config, Rules, SourceConfig, SourceKind, Token, check};

impl Config {
    /// Returns the keys of `new` whose changes take effect after a restart only.
    pub fn needs_restart(&self, new: &Self) -> Vec<&'static str> {
        let (before, after) = (&self.delivery, &new.delivery);
        let (was, is) = (&before.policy, &after.policy);
        let changes = [
            ("name", self.name != new.name),
            ("store", self.store.url.reveal() != new.store.url.reveal()),
            ("source", sources(self) != sources(new)),
            ("api.listen", self.api.listen != new.api.listen),
            ("metrics", metrics(self) != metrics(new)),
            ("delivery.allow_http", was.allow_http != is.allow_http),
            (
                "delivery.allow_networks",
                was.allow_networks != is.allow_networks,
            ),
            ("delivery.components", before.components != after.components),
            (
                "delivery.deny_networks",
                was.deny_networks != is.deny_networks,
            ),
            ("delivery.lease", before.lease != after.lease),
            ("delivery.max_body", before.max_body != after.max_body),
            ("delivery.max_tries", before.max_tries != after.max_tries),
            ("pages", self.pages != new.pages),
            ("retention", self.retention != new.retention),
            ("log", self.log != new.log),
        ];
        let changed = changes.into_iter().filter(|(_, changed)| *changed);
        changed.map(|(key, _)| key).collect()
    }

    /// Checks this configuration against the rules of a running process.
    ///
    /// # Errors
    ///
    /// Returns a fault for each URL that the rules refuse and each timeout that exceeds their limit.
    pub fn fits(&self, rules: &Rules) -> Result<(), Vec<Diagnostic>> {
        let mut faults = Vec::new();
        let mut note = |field: String, message: Option<String>| {
            let fault = |message| Diagnostic {
                field,
                message,
                line: None,
            };
            faults.extend(message.map(fault));
        };
        let outlasts = |timeout| check::outlasts(timeout, rules.lease);
        note("delivery.timeout".into(), outlasts(self.delivery.timeout));
        for tenant in &self.tenants {
            for (id, spec) in &tenant.endpoints {
                let field = |key| format!("tenant.{}.endpoint.{id}.{key}", tenant.id);
                let refused = check_url(&spec.url, &rules.policy).err();
                note(field("url"), refused.map(|error| error.to_string()));
                note(field("timeout"), spec.timeout.and_then(outlasts));
            }
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }
}

/// Returns the content of the sources, whose secrets have no comparison.
fn sources(config: &Config) -> Vec<impl PartialEq> {
    let source = |source: &SourceConfig| {
        let (credentials, certificate) = match &source.kind {
            SourceKind::Nats { credentials, .. } => (credentials.as_ref(), None),
            SourceKind::Kafka(kafka) => {
                let tls = kafka.tls.as_ref();
                let certificate = tls.and_then(|tls| tls.certificate.as_ref());
                (None, certificate)
            }
            SourceKind::Redis { .. }
            | SourceKind::RabbitMq { .. }
            | SourceKind::Postgres { .. } => (None, None),
        };
        let (certificate, key) = certificate.map(|(one, other)| (one, other)).unzip();
        let secrets = [Some(&source.url), credentials, certificate, key];
        let secrets = secrets.map(|secret| secret.map(|secret| secret.reveal().to_owned()));
        (format!("{source:?}"), secrets)
    };
    config.sources.iter().map(source).collect()
}

fn metrics(config: &Config) -> Option<&str> {
    config.metrics.token.as_ref().map(Token::reveal)
}
