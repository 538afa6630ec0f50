//! Which hosts a consumer may be on.
//!
//! A guest cannot resolve names, so a name is judged by itself. A public name that resolves to a
//! private address gets through here; keeping it from being called is the runtime's part
//! (`block_networks` in Spin's runtime configuration).

use reach::{Reach, reach_v4, reach_v6};
use url::Host;

/// Names, and everything below them, that are never called: the runtime's own, and where clouds
/// answer instances about themselves.
const FORBIDDEN: [&str; 12] = [
    "self",
    "self.alt",
    "spin.internal",
    "instance-data",
    "instance-data.ec2.internal",
    "metadata",
    "metadata.azure.internal",
    "metadata.goog",
    "metadata.google.internal",
    "metadata.packet.net",
    "metadata.platformequinix.com",
    "metadata.tencentyun.com",
];

/// Names below which there is nothing public: reserved (RFC 6761, RFC 6762, RFC 8375, ICANN's
/// `.internal`), or used so widely inside networks that they will never be handed out.
const PRIVATE: [&str; 10] = [
    "corp",
    "home",
    "home.arpa",
    "internal",
    "intranet",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "svc",
];

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
        Host::Domain(name) => reach_of_name(name),
    }
}

/// Where a name leads, as the URL parser gives it: in lower case, perhaps with a dot at the end.
fn reach_of_name(name: &str) -> Reach {
    let name = name.trim_end_matches('.');
    if FORBIDDEN.iter().any(|root| is_at_or_below(name, root)) {
        Reach::Forbidden
    } else if !name.contains('.') || PRIVATE.iter().any(|root| is_at_or_below(name, root)) {
        // A name without a dot is looked up in the resolver's own domain.
        Reach::Private
    } else {
        Reach::Public
    }
}

fn is_at_or_below(name: &str, root: &str) -> bool {
    match name.strip_suffix(root) {
        Some(rest) => rest.is_empty() || rest.ends_with('.'),
        None => false,
    }
}
