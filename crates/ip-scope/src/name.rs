//! The scope of host names.

use crate::Scope;

/// The names of cloud metadata services; all names below them are included.
const METADATA: [&str; 9] = [
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

/// Domains without public names: reserved ones (RFC 6761, RFC 6762, RFC 8375, ICANN's `.internal`),
/// and ones in wide use inside networks, which will never be delegated.
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

/// Returns the scope of a lower-case name, as URL parsers return it, with or without a full stop at
/// its end. The addresses it resolves to must be checked as well: a public name can resolve to a
/// private address.
///
/// ```
/// use ip_scope::{Scope, scope_of_name};
///
/// assert_eq!(scope_of_name("example.com"), Scope::Public);
/// assert_eq!(scope_of_name("printer.local."), Scope::Private);
/// assert_eq!(scope_of_name("metadata.google.internal"), Scope::Forbidden);
/// ```
pub fn scope_of_name(name: &str) -> Scope {
    let name = name.trim_end_matches('.');
    let is_below = |roots: &[&str]| roots.iter().any(|root| is_at_or_below(name, root));
    if is_below(&METADATA) {
        Scope::Forbidden
    } else if !name.contains('.') || is_below(&PRIVATE) {
        // A name without a full stop is completed with the resolver's search domain.
        Scope::Private
    } else {
        Scope::Public
    }
}

/// Returns true if a name is `root` or below it.
pub fn is_at_or_below(name: &str, root: &str) -> bool {
    match name.strip_suffix(root) {
        Some(rest) => rest.is_empty() || rest.ends_with('.'),
        None => false,
    }
}
