//! Shows endpoints in the JSON form of their declaration, and applies patches to it.

use config_diagnostics::Diagnostic;
use serde_json::{Map, Value, json};
use webhook_model::{Endpoint, Handshake, MASK, Millis, Retry, masked_url};

use super::{EndpointSpec, Rules, check};

impl EndpointSpec {
    /// Returns the declaration of an endpoint as JSON. The secret is omitted, header values and secrets
    /// in the URL are masked, and unset fields are `null`.
    pub fn to_json(endpoint: &Endpoint) -> Map<String, Value> {
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
            "retry": endpoint.retry.as_ref().map(retry_to_json),
            "timeout": timeout,
            "enabled": endpoint.enabled,
            "handshake": endpoint.handshake.map(|Handshake::Key| "key"),
        });
        match shown {
            Value::Object(shown) => shown,
            _ => Map::new(),
        }
    }

    /// Returns `before` with the fields of `patch` (RFC 7396): `null` resets a field to its default, and
    /// a masked value keeps the stored one. Compiles expressions and components, so it must not run on
    /// an async thread.
    ///
    /// # Errors
    ///
    /// Returns all faults, each with the name of its field.
    pub fn patch(
        before: &Endpoint,
        patch: &Map<String, Value>,
        rules: &Rules,
        now: Millis,
    ) -> Result<Endpoint, Vec<Diagnostic>> {
        if let (1, Some(Value::Bool(enabled))) = (patch.len(), patch.get("enabled")) {
            return Ok(switched(before, *enabled, now));
        }
        let mut declared = Self::to_json(before);
        declared.extend(patch.clone());
        if let Some(secret) = before.secrets.first() {
            // Default schemes depend on the secret: they are derived again from the new one.
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

/// Enables or disables an endpoint without checking the rest of its declaration, which may have become
/// invalid since.
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

fn retry_to_json(retry: &Retry) -> Value {
    let waits = retry
        .schedule
        .iter()
        .map(|wait| humantime::format_duration(*wait).to_string());
    json!({ "schedule": waits.collect::<Vec<_>>(), "jitter": retry.jitter })
}
