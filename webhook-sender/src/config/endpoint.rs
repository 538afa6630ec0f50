//! The declaration of an endpoint, in the file or in a request to the API.

use std::collections::BTreeMap;
use std::time::Duration;

use config_diagnostics::{Diagnostic, Fields, Node, Value, unknown_name};
use serde_json::Value as Json;
use webhook_client::{Policy, check_header, check_url};
use webhook_model::{
    Endpoint, EndpointId, Handshake, MASK, Millis, Origin, Pattern, Retry, Secret, TenantId,
    is_masked_url, masked_url,
};
use webhook_signature::Scheme;
use zeroize::Zeroizing;

use super::new_secret::new_secret;
use super::read::{self, flag, number};
use super::rules::{Rules, Source};
use super::{check, secret_ref};

/// The default time for which a replaced secret still signs.
pub const OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// The error for an endpoint of the file whose receiver could not learn its secret.
const NO_SECRET: &str = "missing; it is `env:NAME`, `file:PATH` or the text itself, and only a \
                         `handshake` makes one up";

/// A checked declaration of an endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointSpec {
    pub url: String,
    pub events: Vec<Pattern>,
    pub filter: Option<String>,
    pub transform: Option<String>,
    pub transform_component: Option<String>,
    /// If unset, the endpoint keeps its secret, or gets a generated one.
    pub secret: Option<Secret>,
    pub schemes: Vec<Scheme>,
    pub headers: BTreeMap<String, String>,
    /// Attempts per second.
    pub rate_limit: Option<u32>,
    /// The number of concurrent attempts.
    pub max_in_flight: Option<u32>,
    pub ordered: bool,
    pub retry: Option<Retry>,
    pub timeout: Option<Duration>,
    pub enabled: bool,
    pub handshake: Option<Handshake>,
}

impl EndpointSpec {
    /// Parses the JSON form of the API. Compiles expressions and components, so it must not run on an
    /// async thread.
    ///
    /// # Errors
    ///
    /// Returns all faults, each with the name of its field.
    pub fn from_json(json: &Json, rules: &Rules) -> Result<Self, Vec<Diagnostic>> {
        Self::from_source(json, rules, Source::Request)
    }

    /// Parses the JSON form of `before` with changes.
    pub(super) fn from_patch(
        json: &Json,
        rules: &Rules,
        before: &Endpoint,
    ) -> Result<Self, Vec<Diagnostic>> {
        Self::from_source(json, rules, Source::Patch(before))
    }

    fn from_source(
        json: &Json,
        rules: &Rules,
        source: Source<'_>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut faults = Vec::new();
        let mut fields = Fields::of(Node::from_json(json), "", &mut faults);
        let spec = Self::read(&mut fields, rules, source);
        fields.finish();
        match (spec, faults.is_empty()) {
            (Some(spec), true) => Ok(spec),
            _ => Err(faults),
        }
    }

    /// Reads a declaration. Returns `None`, with faults recorded, if a required field is invalid.
    /// A file must set `secret` or `handshake`: a generated secret can be shown in a response of the API
    /// only.
    pub(super) fn read(fields: &mut Fields<'_>, rules: &Rules, source: Source<'_>) -> Option<Self> {
        let file = matches!(source, Source::File);
        if file && !fields.has("secret") && !fields.has("handshake") {
            fields.fault("secret", NO_SECRET);
        }
        let url = fields.need("url", |node| url(node, &rules.policy, source));
        if !fields.has("events") {
            fields.fault("events", "missing");
        }
        let line = fields.line_of("events");
        let events = fields.list("events", pattern);
        if events.as_ref().is_some_and(Vec::is_empty) && !fields.any_fault_of("events") {
            fields.fault_at("events", line, "no pattern; `*` takes every event");
        }
        let filter = fields.get("filter", check::expression);
        if fields.has("transform") && fields.has("transform_component") {
            fields.fault("transform_component", "there is a `transform` as well");
        }
        let transform = fields.get("transform", check::expression);
        let component = fields.get("transform_component", |node| {
            check::component(node, rules, source)
        });
        let secret = fields.get("secret", |node| secret(node, rules, file));
        let secret = secret.or_else(|| source.before()?.secrets.first().cloned());
        let handshake = fields.get("handshake", |node| {
            check::handshake(handshake(node)?, secret.as_ref())
        });
        let schemes = schemes(fields, secret.as_ref());
        Some(Self {
            filter,
            transform,
            transform_component: component,
            schemes,
            headers: headers(fields, source, url.as_deref()),
            rate_limit: fields.get("rate_limit", number(1..=1_000_000)),
            max_in_flight: fields.get("max_in_flight", number(1..=100_000)),
            ordered: fields.get("ordered", flag).unwrap_or(false),
            retry: retry(fields, &rules.retries),
            timeout: fields.get("timeout", |node| check::timeout(node, rules)),
            enabled: fields.get("enabled", flag).unwrap_or(true),
            secret,
            handshake,
            url: url?,
            events: events?,
        })
    }

    /// Returns a new endpoint of this declaration. The store sets its version.
    pub fn endpoint(
        self,
        tenant: TenantId,
        id: EndpointId,
        origin: Origin,
        now: Millis,
    ) -> Endpoint {
        let secret = self.secret.clone().unwrap_or_else(new_secret);
        let blank = Endpoint {
            tenant,
            id,
            url: String::new(),
            events: Vec::new(),
            filter: None,
            transform: None,
            transform_component: None,
            secrets: vec![secret],
            schemes: Vec::new(),
            headers: BTreeMap::new(),
            rate_limit: None,
            max_in_flight: None,
            ordered: false,
            retry: None,
            timeout: None,
            enabled: true,
            disabled_reason: None,
            handshake: None,
            origin,
            created_at: now,
            updated_at: now,
            failing_since: None,
            version: 0,
        };
        self.over(&blank, now)
    }

    /// Returns `before` with this declaration. Other properties are kept: ids, origin, creation time,
    /// version and health. A replaced secret still signs for [`OVERLAP`].
    pub fn over(self, before: &Endpoint, now: Millis) -> Endpoint {
        let secrets = match self.secret {
            Some(secret) => replaced(&before.secrets, secret, now),
            None => before.secrets.clone(),
        };
        let anew = self.url != before.url || (self.enabled && !before.enabled);
        let reason = before.disabled_reason.clone();
        let mut after = Endpoint {
            url: self.url,
            events: self.events,
            filter: self.filter,
            transform: self.transform,
            transform_component: self.transform_component,
            secrets,
            schemes: self.schemes,
            headers: self.headers,
            rate_limit: self.rate_limit,
            max_in_flight: self.max_in_flight,
            ordered: self.ordered,
            retry: self.retry,
            timeout: self.timeout,
            enabled: self.enabled,
            disabled_reason: reason.filter(|_| !self.enabled),
            handshake: self.handshake,
            failing_since: before.failing_since.filter(|_| !anew),
            ..before.clone()
        };
        if after != *before {
            after.updated_at = now;
        }
        after
    }
}

/// Returns the secrets with `new` in front, and with an expiry for the older ones.
fn replaced(before: &[Secret], new: Secret, now: Millis) -> Vec<Secret> {
    if before
        .first()
        .is_some_and(|current| current.reveal() == new.reveal())
    {
        return before.to_vec();
    }
    let until = now.after(OVERLAP);
    let older = before
        .iter()
        .filter(|older| older.reveal() != new.reveal())
        .map(|older| {
            let expires_at = older.expires_at.map_or(until, |expires| expires.min(until));
            older.clone().expiring(expires_at)
        });
    std::iter::once(new.clone()).chain(older).collect()
}

fn url(node: Node, policy: &Policy, source: Source<'_>) -> Result<String, String> {
    let mut text = read::text(node)?;
    if is_masked_url(&text) {
        // The whole URL must be the one that was shown: a secret must not follow to another URL.
        let kept = source.before().map(|before| &before.url);
        let kept = kept.filter(|kept| masked_url(kept) == text);
        text = kept.cloned().ok_or_else(|| {
            format!("`{MASK}` stands for a stored value, and none is stored for this URL")
        })?;
    }
    check_url(&text, policy)
        .map(|_| text)
        .map_err(|error| error.to_string())
}

fn pattern(node: Node) -> Result<Pattern, String> {
    Pattern::parse(&read::text(node)?).map_err(|error| error.to_string())
}

fn secret(node: Node, rules: &Rules, file: bool) -> Result<Secret, String> {
    let text = read::text(node)?;
    if file {
        secret_ref::resolve(text, &rules.folder, signing_secret)
    } else {
        signing_secret(&Zeroizing::new(text))
    }
}

fn signing_secret(text: &str) -> Result<Secret, String> {
    let secret = Secret::new(text).map_err(|error| error.to_string())?;
    if text.starts_with("whpk_") {
        return Err("a public key (`whpk_`) signs nothing".into());
    }
    Ok(secret)
}

fn schemes(fields: &mut Fields<'_>, secret: Option<&Secret>) -> Vec<Scheme> {
    let line = fields.line_of("schemes");
    let declared = fields.list("schemes", |node| {
        let name = read::text(node)?;
        let scheme = Scheme::from_name(&name)
            .ok_or_else(|| unknown_name("scheme", &name, &Scheme::ALL.map(Scheme::name)))?;
        check::scheme(scheme, secret)
    });
    match declared {
        Some(schemes) if schemes.is_empty() && !fields.any_fault_of("schemes") => {
            fields.fault_at(
                "schemes",
                line,
                "no scheme; leave it out for `wss` and `standard`",
            );
            schemes
        }
        Some(schemes) => {
            let twice =
                |at: usize, scheme: &Scheme| schemes.iter().take(at).any(|one| one == scheme);
            if let Some((_, scheme)) = schemes.iter().enumerate().find(|(at, one)| twice(*at, one))
            {
                fields.fault_at(
                    "schemes",
                    line,
                    format!("`{}` is there twice", scheme.name()),
                );
            }
            schemes
        }
        None => check::default_schemes(secret),
    }
}

fn headers(
    fields: &mut Fields<'_>,
    source: Source<'_>,
    url: Option<&str>,
) -> BTreeMap<String, String> {
    let line = fields.line_of("headers");
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in fields.texts("headers") {
        let Some(value) = header_value(&name, value, source, url) else {
            let message = format!(
                "`{MASK}` stands for a stored value, and none is stored for `{name}` on this host"
            );
            fields.fault_at("headers", line, message);
            continue;
        };
        let twice = headers
            .keys()
            .any(|known| known.eq_ignore_ascii_case(&name));
        match check_header(&name, &value) {
            Err(error) => fields.fault_at("headers", line, error.to_string()),
            Ok(()) if twice => {
                fields.fault_at("headers", line, format!("header `{name}` is there twice"))
            }
            Ok(()) => {
                headers.insert(name, value);
            }
        }
    }
    headers
}

/// Returns the value of a header: the stored one if `value` is masked. Returns `None` if none is stored,
/// or if the endpoint moves to another host: a secret must not follow to another host.
fn header_value(
    name: &str,
    value: String,
    source: Source<'_>,
    url: Option<&str>,
) -> Option<String> {
    if value != MASK {
        return Some(value);
    }
    let before = source.before()?;
    let origin = |url: &str| url::Url::parse(url).ok().map(|url| url.origin());
    if url.is_some_and(|url| origin(url) != origin(&before.url)) {
        return None;
    }
    let mut stored = before.headers.iter();
    let (_, value) = stored.find(|(stored, _)| stored.eq_ignore_ascii_case(name))?;
    Some(value.clone())
}

/// Reads a retry policy: the name of one, a schedule, or a table.
fn retry(fields: &mut Fields<'_>, policies: &BTreeMap<String, Retry>) -> Option<Retry> {
    if fields.is_table("retry") {
        return fields.section("retry", policy);
    }
    fields.get("retry", |node| match node.value {
        Value::Text(name) => policies.get(&name).cloned().ok_or_else(|| {
            let known: Vec<_> = policies.keys().map(String::as_str).collect();
            unknown_name("retry policy", &name, &known)
        }),
        Value::List(_) => read::retry(read::schedule(node)?, None),
        other => Err(other.must_be("the name of a policy or a list of durations")),
    })
}

/// Reads the table of a retry policy.
pub(super) fn policy(fields: &mut Fields<'_>) -> Option<Retry> {
    let schedule = fields.need("schedule", |node| {
        read::schedule(node).and_then(|schedule| read::retry(schedule, None))
    });
    let jitter = fields.get("jitter", read::share);
    schedule.map(|retry| Retry {
        jitter: jitter.unwrap_or(retry.jitter),
        ..retry
    })
}

fn handshake(node: Node) -> Result<Handshake, String> {
    match read::text(node)?.as_str() {
        "key" => Ok(Handshake::Key),
        other => Err(format!("unknown handshake `{other}`; known is `key`")),
    }
}
