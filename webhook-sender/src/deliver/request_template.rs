//! The parts of a request that are the same for all attempts to an endpoint.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use webhook_client::{Response, with_defaults};
use webhook_model::{EventId, Exchange, Millis, RequestRecord, Retry, Secret};
use webhook_signature::{Credential, Header, Message, SignError, sign};

use super::Settings;
use crate::registry::CompiledEndpoint;

pub(super) struct RequestTemplate {
    pub compiled: Arc<CompiledEndpoint>,
    /// The default headers and those of the endpoint.
    headers: Vec<(String, String)>,
    /// The start of the record of each attempt: the URL and these headers.
    record: RequestRecord,
    key_periods: Vec<KeyPeriod>,
}

/// A period in which the set of valid signing keys does not change.
struct KeyPeriod {
    /// The end of the period; `None` for the last one.
    until: Option<Millis>,
    /// The keys, the newest first.
    keys: Vec<Credential>,
}

impl RequestTemplate {
    pub(super) fn new(compiled: Arc<CompiledEndpoint>) -> Self {
        let headers = with_defaults(&compiled.endpoint.headers);
        Self {
            record: record(&compiled, &headers),
            headers,
            key_periods: key_periods(&compiled.endpoint.secrets),
            compiled,
        }
    }

    pub(super) fn timeout(&self, settings: &Settings) -> Duration {
        settings.timeout_of(&self.compiled.endpoint)
    }

    pub(super) fn retry<'a>(&'a self, settings: &'a Settings) -> &'a Retry {
        self.compiled
            .endpoint
            .retry
            .as_ref()
            .unwrap_or(&settings.retry)
    }

    /// Returns the headers that do not depend on the attempt.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the record of an attempt. Signatures are shown: they are not secret, and serve to check
    /// a receiver.
    pub(super) fn exchange<'a>(
        &self,
        signed: impl IntoIterator<Item = (&'a str, &'a str)>,
        body: &Bytes,
        response: Option<&Response>,
    ) -> Exchange {
        let response = response.map(Response::parts);
        self.record.exchange(signed, body.len(), response.as_ref())
    }

    /// Returns the signature headers of the endpoint's schemes, made at `now` with the keys that
    /// are valid then.
    pub(super) fn sign(
        &self,
        event: &EventId,
        body: &Bytes,
        now: Millis,
    ) -> Result<Vec<Header>, SignError> {
        let period = self
            .key_periods
            .iter()
            .find(|period| period.until.is_none_or(|until| now < until));
        let keys = period.map_or(&[][..], |period| &period.keys);
        let message = Message {
            id: event.as_str(),
            timestamp: now.seconds(),
            body,
        };
        let mut headers = Vec::with_capacity(7);
        for scheme in &self.compiled.endpoint.schemes {
            headers.extend(sign(*scheme, keys, &message)?);
        }
        Ok(headers)
    }
}

/// Returns the record of a request without its signatures. The values of the endpoint's own headers
/// are hidden: they are write-only.
fn record(compiled: &CompiledEndpoint, headers: &[(String, String)]) -> RequestRecord {
    let mut record = RequestRecord::new(compiled.url.as_str());
    for (name, value) in headers {
        if compiled.endpoint.headers.contains_key(name) {
            record.hidden(name);
        } else {
            record.shown(name, value);
        }
    }
    record
}

fn key_periods(secrets: &[Secret]) -> Vec<KeyPeriod> {
    let mut ends: Vec<_> = secrets
        .iter()
        .filter_map(|secret| secret.expires_at)
        .collect();
    ends.sort_unstable();
    ends.dedup();
    let ends = ends.into_iter().map(Some).chain([None]);
    ends.map(|until| KeyPeriod {
        until,
        keys: keys(secrets, until),
    })
    .collect()
}

/// Returns the keys that are valid until this moment.
fn keys(secrets: &[Secret], until: Option<Millis>) -> Vec<Credential> {
    let valid = |secret: &&Secret| match (secret.expires_at, until) {
        (None, _) => true,
        (Some(expires), Some(until)) => until <= expires,
        (Some(_), None) => false,
    };
    // Endpoints with a secret that cannot sign are unusable and have no template.
    secrets
        .iter()
        .filter(valid)
        .filter_map(|secret| secret.credential().ok())
        .collect()
}
