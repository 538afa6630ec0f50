//! Which hosts a consumer may be on.
//!
//! A guest cannot resolve names, so a name is judged by itself. A public name that resolves to a
//! private address gets through here; keeping it from being called is the runtime's part
//! (`block_networks` in Spin's runtime configuration).

use ip_scope::{Reach, is_at_or_below, reach_of_name, reach_v4, reach_v6};
use url::Host;

/// Names that are the runtime's own, with everything below them.
const RUNTIME: [&str; 3] = ["self", "self.alt", "spin.internal"];

/// Why a host is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    #[error("host `{0}` belongs to the runtime or to a metadata service and is never called")]
    Forbidden(String),
    #[error("host `{0}` is private or loopback; the variable `allow_private_hosts` is off")]
    Private(String),
}

/// Whether a consumer may be on `host`.
pub fn check(host: &Host<&str>, allow_private: bool) -> Result<(), HostError> {
    match reach(host) {
        Reach::Forbidden => Err(HostError::Forbidden(host.to_string())),
        Reach::Private if !allow_private => Err(HostError::Private(host.to_string())),
        Reach::Private | Reach::Public => Ok(()),
    }
}

fn reach(host: &Host<&str>) -> Reach {
    match host {
        Host::Ipv4(address) => reach_v4(*address),
        Host::Ipv6(address) => reach_v6(*address),
        Host::Domain(name) if is_the_runtimes(name) => Reach::Forbidden,
        Host::Domain(name) => reach_of_name(name),
    }
}

fn is_the_runtimes(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    RUNTIME.iter().any(|root| is_at_or_below(name, root))
}
