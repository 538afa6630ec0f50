//! An endpoint as it is declared, in the file or to the API.

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
use super::{check, reference};

/// How long a secret that was replaced still signs.
pub const OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// An endpoint of the file whose receiver would have no way to learn its secret.
const NO_SECRET: &str = "missing; it is `env:NAME`, `file:PATH` or the text itself, and only a \
                         `handshake` makes one up";

/// An endpoint's declaration, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointSpec {
    pub url: String,
    pub events: Vec<Pattern>,
    pub filter: Option<String>,
    pub transform: Option<String>,
    pub transform_component: Option<String>,
    /// Without one, the endpoint keeps the one it has, or gets a new one.
    pub secret: Option<Secret>,
    pub schemes: Vec<Scheme>,
    pub headers: BTreeMap<String, String>,
    /// Attempts a second.
    pub rate_limit: Option<u32>,
    /// Attempts at a time.
    pub max_in_flight: Option<u32>,
    pub ordered: bool,
    pub retry: Option<Retry>,
    pub timeout: Option<Duration>,
    pub enabled: bool,
    pub handshake: Option<Handshake>,
}

impl EndpointSpec {
    /// Reads the API's form. It compiles what it declares: keep it off the async threads.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, by the names of the fields.
    pub fn from_json(json: &Json, rules: &Rules) -> Result<Self, Vec<Diagnostic>> {
        Self::from_source(json, rules, Source::Request)
    }

    /// Reads the API's form of `before` with changes.
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

    /// Reads what is declared; `None`, and faults noted, where an endpoint cannot be made of it.
    /// In a file a secret may be kept elsewhere, and has to be there: one that is made up is shown
    /// in the API's response, and a file has none.
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

    /// A new endpoint of this form. Its version is given by the store.
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

    /// `before` in this form. What is not declared is kept: its ids, its origin, when it was made,
    /// its version, what is known of the receiver. A secret that is replaced goes on signing for
    /// a day.
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
        after.updated_at = match after == *before {
            true => before.updated_at,
            false => now,
        };
        after
    }
}

/// The secrets after `new` came in front.
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
        // The whole URL has to be the one that was shown: a secret follows to no other place.
        let kept = source.before().map(|before| &before.url);
        let kept = kept.filter(|kept| masked_url(kept) == text);
        text = kept.cloned().ok_or_else(|| {
            format!("`{MASK}` stands for a value that is stored with this very URL, and none is")
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
        reference::resolve(text, &rules.folder, signing_secret)
    } else {
        signing_secret(&Zeroizing::new(text))
    }
}

fn signing_secret(text: &str) -> Result<Secret, String> {
    let secret = Secret::new(text).map_err(|error| error.to_string())?;
    match text.starts_with("whpk_") {
        true => Err("a public key (`whpk_`) signs nothing".into()),
        false => Ok(secret),
    }
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
                "`{MASK}` stands for a value of `{name}` that is stored for this host: none is"
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

/// Returns the value of a header, which is the stored one where it comes masked; `None` where none is
/// stored, and where the endpoint moves to another host: a secret follows to no other place.
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

/// The name of a policy, a list of waits, or a policy of its own.
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

/// A retry policy that is spelt out.
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
