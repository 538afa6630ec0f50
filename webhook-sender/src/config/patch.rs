//! Endpoints shown in the form they are declared in, and changed in it.

use config_diagnostics::Diagnostic;
use serde_json::{Map, Value, json};
use webhook_model::{Endpoint, Handshake, MASK, Millis, Retry, masked_url};

use super::{EndpointSpec, Rules, check};

impl EndpointSpec {
    /// The declaration of an endpoint, as JSON. The secret is left out, values of headers and secrets
    /// in the URL are masked, and fields that are not set are `null`.
    pub fn shown(endpoint: &Endpoint) -> Map<String, Value> {
        let Endpoint {
            url,
            events,
            filter,
            transform,
            transform_component,
            headers,
            ..
        } = endpoint;
        let schemes: Vec<_> = endpoint
            .schemes
            .iter()
            .map(|scheme| scheme.name())
            .collect();
        let timeout = endpoint
            .timeout
            .map(|timeout| humantime::format_duration(timeout).to_string());
        let headers: Map<_, _> = headers
            .keys()
            .map(|name| (name.clone(), MASK.into()))
            .collect();
        let shown = json!({
            "url": masked_url(url),
            "events": events,
            "filter": filter,
            "transform": transform,
            "transform_component": transform_component,
            "schemes": schemes,
            "headers": headers,
            "rate_limit": endpoint.rate_limit,
            "max_in_flight": endpoint.max_in_flight,
            "ordered": endpoint.ordered,
            "retry": endpoint.retry.as_ref().map(shown_retry),
            "timeout": timeout,
            "enabled": endpoint.enabled,
            "handshake": endpoint.handshake.map(|Handshake::Key| "key"),
        });
        match shown {
            Value::Object(shown) => shown,
            _ => Map::new(),
        }
    }

    /// `before` with the fields of `patch` in place of its own; `null` stands for a field's default
    /// (RFC 7396), and a masked value for the one that is kept. It compiles what it declares: keep it off the async threads.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, by the names of the fields.
    pub fn patch(
        before: &Endpoint,
        patch: &Map<String, Value>,
        rules: &Rules,
        now: Millis,
    ) -> Result<Endpoint, Vec<Diagnostic>> {
        if let (1, Some(Value::Bool(enabled))) = (patch.len(), patch.get("enabled")) {
            return Ok(switched(before, *enabled, now));
        }
        let mut declared = Self::shown(before);
        declared.extend(patch.clone());
        if let Some(secret) = before.secrets.first() {
            // The secret that stays has its say in what else may be declared; one that comes has it
            // in what the schemes are where they were left to it.
            if before.schemes == check::default_schemes(Some(secret))
                && !patch.contains_key("schemes")
            {
                declared.remove("schemes");
            }
        }
        let spec = Self::from_patch(&Value::Object(declared), rules, before)?;
        Ok(spec.over(before, now))
    }
}

/// What can be switched off whatever has become of the rest of its declaration.
fn switched(before: &Endpoint, enabled: bool, now: Millis) -> Endpoint {
    let mut after = before.clone();
    if enabled != before.enabled {
        after = Endpoint {
            enabled,
            disabled_reason: None,
            updated_at: now,
            ..after
        };
        after.failing_since = after.failing_since.filter(|_| !enabled);
    }
    after
}

fn shown_retry(retry: &Retry) -> Value {
    let waits = retry
        .schedule
        .iter()
        .map(|wait| humantime::format_duration(*wait).to_string());
    json!({ "schedule": waits.collect::<Vec<_>>(), "jitter": retry.jitter })
}
