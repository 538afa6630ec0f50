//! The hosts that a consumer may be on.
//!
//! A guest cannot resolve names, so only the name itself is checked. A public name that resolves to a
//! private address passes this check; the runtime has to block it (`block_networks` in Spin's runtime
//! configuration).

use ip_scope::{Scope, is_at_or_below, scope_of_name, scope_v4, scope_v6};
use url::Host;

/// The runtime's own names; all names below them are included.
const RUNTIME: [&str; 3] = ["self", "self.alt", "spin.internal"];

/// The reason why a host is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    #[error("host `{0}` belongs to the runtime or to a metadata service and is never called")]
    Forbidden(String),
    #[error("host `{0}` is private or loopback; the variable `allow_private_hosts` is off")]
    Private(String),
}

/// Checks that a consumer may be on `host`.
pub fn check(host: &Host<&str>, allow_private: bool) -> Result<(), HostError> {
    match scope(host) {
        Scope::Forbidden => Err(HostError::Forbidden(host.to_string())),
        Scope::Private if !allow_private => Err(HostError::Private(host.to_string())),
        Scope::Private | Scope::Public => Ok(()),
    }
}

fn scope(host: &Host<&str>) -> Scope {
    match host {
        Host::Ipv4(address) => scope_v4(*address),
        Host::Ipv6(address) => scope_v6(*address),
        Host::Domain(name) if is_of_runtime(name) => Scope::Forbidden,
        Host::Domain(name) => scope_of_name(name),
    }
}

fn is_of_runtime(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    RUNTIME.iter().any(|root| is_at_or_below(name, root))
}
