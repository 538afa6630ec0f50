//! What has to agree within a declaration.

use std::time::Duration;

use config_diagnostics::Node;
use event_transforms::component::Component;
use event_transforms::expression::Program;
use webhook_model::{Handshake, Secret};
use webhook_signature::Scheme;

use super::read;
use super::rules::{Rules, Source, TIMEOUTS};

/// What the schemes are where none is declared.
const DEFAULT_SCHEMES: [Scheme; 2] = [Scheme::Wss, Scheme::Standard];

/// How many times the longest attempt a lease lasts at least: it is renewed while attempts run.
const LEASE_FACTOR: u32 = 2;

/// The longest that an attempt may take under a lease.
pub fn longest_attempt(lease: Duration) -> Duration {
    lease / LEASE_FACTOR
}

/// Why an attempt could outlast the lease it is made under.
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

/// A timeout that the lease outlasts.
pub fn timeout(node: Node, rules: &Rules) -> Result<Duration, String> {
    let timeout = read::duration_within(TIMEOUTS)(node)?;
    match outlasts(timeout, rules.lease) {
        Some(message) => Err(message),
        None => Ok(timeout),
    }
}

/// An expression that compiles.
pub fn expression(node: Node) -> Result<String, String> {
    let source = read::text(node)?;
    Program::compile(&source)
        .map(|_| source)
        .map_err(|error| error.to_string())
}

/// The name of a component that can be loaded. The author of the file learns why it cannot, and
/// clients of the API do not.
pub fn component(node: Node, rules: &Rules, source: Source<'_>) -> Result<String, String> {
    let name = read::text(node)?;
    let path = rules.components.path_of(&name)?;
    match Component::load(&rules.components, &path) {
        Ok(_) => Ok(name),
        Err(error) if matches!(source, Source::File) => Err(error.detail()),
        Err(error) => {
            tracing::warn!(detail = error.detail(), "transform component refused");
            Err(error.to_string())
        }
    }
}

/// Whether a secret is the private half of a pair, which only `standard` signs with.
fn is_pair(secret: Option<&Secret>) -> bool {
    secret.is_some_and(|secret| secret.reveal().starts_with("whsk_"))
}

/// A scheme that the secret can sign for.
pub fn scheme(scheme: Scheme, secret: Option<&Secret>) -> Result<Scheme, String> {
    match is_pair(secret) && scheme != Scheme::Standard {
        true => Err(format!(
            "`{}` cannot be signed with an ed25519 secret (`whsk_`)",
            scheme.name()
        )),
        false => Ok(scheme),
    }
}

pub fn default_schemes(secret: Option<&Secret>) -> Vec<Scheme> {
    let signed = |one: &Scheme| scheme(*one, secret).is_ok();
    DEFAULT_SCHEMES.into_iter().filter(signed).collect()
}

/// A handshake that the secret can be handed out in.
pub fn handshake(handshake: Handshake, secret: Option<&Secret>) -> Result<Handshake, String> {
    match is_pair(secret) {
        true => Err(
            "a handshake hands the key out, which an ed25519 secret (`whsk_`) is not for".into(),
        ),
        false => Ok(handshake),
    }
}
