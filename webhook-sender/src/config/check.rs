//! Checks of values that depend on other values of a declaration.

use std::time::Duration;

use config_diagnostics::Node;
use event_transforms::component::Component;
use event_transforms::expression::Program;
use webhook_model::{Handshake, Secret};
use webhook_signature::Scheme;

use super::read;
use super::rules::{Rules, Source, TIMEOUTS};

/// The default schemes of an endpoint.
const DEFAULT_SCHEMES: [Scheme; 2] = [Scheme::Wss, Scheme::Standard];

/// The minimum ratio of the lease to the longest attempt: the lease is renewed while attempts run.
const LEASE_FACTOR: u32 = 2;

/// Returns the longest duration of an attempt under a lease.
pub fn longest_attempt(lease: Duration) -> Duration {
    lease / LEASE_FACTOR
}

/// Returns a message if an attempt with this timeout could outlast the lease.
pub fn outlasts(timeout: Duration, lease: Duration) -> Option<String> {
    let shown = |duration| humantime::format_duration(duration).to_string();
    (timeout > longest_attempt(lease)).then(|| {
        format!(
            "`{}` is more than half of `delivery.lease`, which is {}",
            shown(timeout),
            shown(lease)
        )
    })
}

/// Parses a timeout that is at most half of the lease.
pub fn timeout(node: Node, rules: &Rules) -> Result<Duration, String> {
    let timeout = read::duration_within(TIMEOUTS)(node)?;
    match outlasts(timeout, rules.lease) {
        Some(message) => Err(message),
        None => Ok(timeout),
    }
}

/// Parses an expression, and checks that it compiles.
pub fn expression(node: Node) -> Result<String, String> {
    let source = read::text(node)?;
    Program::compile(&source)
        .map(|_| source)
        .map_err(|error| error.to_string())
}

/// Parses the name of a component, and checks that it can be loaded. Errors have details for the author
/// of a file, but not for clients of the API.
pub fn component(node: Node, rules: &Rules, source: Source<'_>) -> Result<String, String> {
    let name = read::text(node)?;
    let path = rules.components.path_of(&name)?;
    match Component::load(&rules.components, &path) {
        Ok(_) => Ok(name),
        Err(error) if matches!(source, Source::File) => Err(error.detail()),
        Err(error) => {
            tracing::warn!(detail = error.detail(), "transform component rejected");
            Err(error.to_string())
        }
    }
}

/// Returns `true` for a private ed25519 key, which can sign for `standard` only.
fn is_pair(secret: Option<&Secret>) -> bool {
    secret.is_some_and(|secret| secret.reveal().starts_with("whsk_"))
}

/// Checks that the secret can sign for a scheme.
pub fn scheme(scheme: Scheme, secret: Option<&Secret>) -> Result<Scheme, String> {
    if is_pair(secret) && scheme != Scheme::Standard {
        return Err(format!(
            "`{}` cannot be signed with an ed25519 secret (`whsk_`)",
            scheme.name()
        ));
    }
    Ok(scheme)
}

pub fn default_schemes(secret: Option<&Secret>) -> Vec<Scheme> {
    let signed = |one: &Scheme| scheme(*one, secret).is_ok();
    DEFAULT_SCHEMES.into_iter().filter(signed).collect()
}

/// Checks that the secret may be sent in a handshake.
pub fn handshake(handshake: Handshake, secret: Option<&Secret>) -> Result<Handshake, String> {
    if is_pair(secret) {
        return Err(
            "a handshake hands the key out, which an ed25519 secret (`whsk_`) is not for".into(),
        );
    }
    Ok(handshake)
}
