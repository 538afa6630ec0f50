//! Where a name leads, by itself.

use crate::Reach;

/// Names, and all below them, behind which clouds answer instances about themselves.
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

/// Where a name leads that is in lower case, as URL parsers give it, perhaps with full stops at its
/// end. What it resolves to has to be judged as well: a public name may resolve to a private address.
///
/// ```
/// use ip_scope::{Reach, reach_of_name};
///
/// assert_eq!(reach_of_name("example.com"), Reach::Public);
/// assert_eq!(reach_of_name("printer.local."), Reach::Private);
/// assert_eq!(reach_of_name("metadata.google.internal"), Reach::Forbidden);
/// ```
pub fn reach_of_name(name: &str) -> Reach {
    let name = name.trim_end_matches('.');
    let is_below = |roots: &[&str]| roots.iter().any(|root| is_at_or_below(name, root));
    if is_below(&METADATA) {
        Reach::Forbidden
    } else if !name.contains('.') || is_below(&PRIVATE) {
        // A name without a full stop is looked up in the resolver's own domain.
        Reach::Private
    } else {
        Reach::Public
    }
}

/// Whether a name is `root`, or below it.
pub fn is_at_or_below(name: &str, root: &str) -> bool {
    match name.strip_suffix(root) {
        Some(rest) => rest.is_empty() || rest.ends_with('.'),
        None => false,
    }
}
