//! The scope of an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Scope;

/// The addresses of cloud metadata services, which return credentials to any caller.
const METADATA_V4: [Ipv4Addr; 9] = [
    Ipv4Addr::new(169, 254, 169, 254), // AWS, Azure, Google, Oracle, DigitalOcean, OpenStack
    Ipv4Addr::new(169, 254, 169, 253), // AWS, DNS
    Ipv4Addr::new(169, 254, 170, 2),   // AWS ECS
    Ipv4Addr::new(169, 254, 170, 23),  // AWS EKS
    Ipv4Addr::new(169, 254, 42, 42),   // Scaleway
    Ipv4Addr::new(169, 254, 0, 23),    // Tencent
    Ipv4Addr::new(168, 63, 129, 16),   // Azure, host
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle Classic
];

const METADATA_V6: [Ipv6Addr; 6] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), // AWS
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),  // AWS EKS
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),  // Google
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),   // Scaleway
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe), // Oracle
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe), // OpenStack
];

/// The IPv4 networks that are not public: address and prefix length.
const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The only IPv6 block with public addresses.
const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// The special-purpose networks inside it.
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Returns the scope of an address.
///
/// ```
/// use ip_scope::{Scope, scope};
///
/// assert_eq!(scope("1.1.1.1".parse().unwrap()), Scope::Public);
/// assert_eq!(scope("::ffff:10.0.0.1".parse().unwrap()), Scope::Private);
/// assert_eq!(scope("169.254.169.254".parse().unwrap()), Scope::Forbidden);
/// ```
pub fn scope(address: IpAddr) -> Scope {
    match address {
        IpAddr::V4(address) => scope_v4(address),
        IpAddr::V6(address) => scope_v6(address),
    }
}

/// Returns the scope of an IPv4 address.
pub fn scope_v4(address: Ipv4Addr) -> Scope {
    if METADATA_V4.contains(&address) {
        Scope::Forbidden
    } else if SPECIAL_V4.iter().any(|net| in_v4(address, *net)) {
        Scope::Private
    } else {
        Scope::Public
    }
}

/// Returns the scope of an IPv6 address.
pub fn scope_v6(address: Ipv6Addr) -> Scope {
    let embedded = embedded_v4(address);
    let embeds_forbidden = embedded.iter().any(|v4| scope_v4(*v4) == Scope::Forbidden);
    if METADATA_V6.contains(&address) || embeds_forbidden {
        return Scope::Forbidden;
    }
    let special = SPECIAL_V6.iter().any(|net| in_v6(address, *net));
    if embedded.is_empty() && in_v6(address, GLOBAL_UNICAST) && !special {
        Scope::Public
    } else {
        Scope::Private
    }
}

/// Returns the IPv4 addresses that an IPv6 address may embed.
fn embedded_v4(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let bytes = address.octets();
    let at = |a: usize, b: usize, c: usize, d: usize| {
        Ipv4Addr::new(bytes[a], bytes[b], bytes[c], bytes[d])
    };
    let last = at(12, 13, 14, 15);
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => vec![],
        // IPv4-compatible and IPv4-mapped (RFC 4291), IPv4-translated (RFC 2765).
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => vec![last],
        // NAT64 with the well-known prefix (RFC 6052).
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => vec![last],
        // NAT64 with the local prefix (RFC 8215), at each position that RFC 6052 allows.
        [0x64, 0xff9b, 1, ..] => vec![at(6, 7, 9, 10), at(7, 9, 10, 11), at(9, 10, 11, 12), last],
        // 6to4 (RFC 3056).
        [0x2002, ..] => vec![at(2, 3, 4, 5)],
        // Teredo (RFC 4380): the server, and the client with inverted bits.
        [0x2001, 0, ..] => vec![at(4, 5, 6, 7), Ipv4Addr::from_bits(!last.to_bits())],
        // ISATAP (RFC 5214), with any prefix.
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => vec![last],
        _ => vec![],
    }
}

fn in_v4(address: Ipv4Addr, (net, length): (Ipv4Addr, u32)) -> bool {
    (address.to_bits() ^ net.to_bits()).leading_zeros() >= length
}

fn in_v6(address: Ipv6Addr, (net, length): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ net.to_bits()).leading_zeros() >= length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(text: &str) -> Scope {
        scope_v4(text.parse().unwrap())
    }

    #[test]
    fn each_special_network_is_private_up_to_its_edges() {
        let edges = [
            ("9.255.255.255", "10.0.0.0"),
            ("11.0.0.0", "10.255.255.255"),
            ("100.63.255.255", "100.64.0.0"),
            ("100.128.0.0", "100.127.255.255"),
            ("126.255.255.255", "127.0.0.0"),
            ("172.15.255.255", "172.16.0.0"),
            ("172.32.0.0", "172.31.255.255"),
            ("192.167.255.255", "192.168.0.0"),
            ("198.17.255.255", "198.18.0.0"),
            ("198.20.0.0", "198.19.255.255"),
            ("223.255.255.255", "224.0.0.0"),
            ("1.0.0.0", "0.255.255.255"),
            ("8.8.8.8", "255.255.255.255"),
        ];
        for (outside, inside) in edges {
            assert_eq!(v4(outside), Scope::Public, "{outside}");
            assert_eq!(v4(inside), Scope::Private, "{inside}");
        }
    }

    #[test]
    fn only_global_unicast_is_public_in_ipv6() {
        let v6 = |text: &str| scope_v6(text.parse().unwrap());
        for public in ["2606:4700::1111", "2001:4860:4860::8888", "2003::1"] {
            assert_eq!(v6(public), Scope::Public, "{public}");
        }
        let private = [
            "::", "::1", "fe80::1", "fc00::1", "ff02::1", "4000::1", "100::1",
        ];
        for private in private {
            assert_eq!(v6(private), Scope::Private, "{private}");
        }
    }

    #[test]
    fn an_embedded_metadata_address_is_forbidden() {
        let embedded = [
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "::ffff:0:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::169.254.169.254",
            "64:ff9b:1:a9fe:a9:fe00::",
            "64:ff9b:1:a9:fe:a9fe::",
            "64:ff9b:1:0:a9:fea9:fe00::",
            "2002:a9fe:a9fe::1",
            "2001:0:a9fe:a9fe::1",
            "2001:0:808:808::5601:5601",
            "2606:4700::5efe:a9fe:a9fe",
            "2606:4700::200:5efe:a9fe:a9fe",
        ];
        for text in embedded {
            assert_eq!(scope_v6(text.parse().unwrap()), Scope::Forbidden, "{text}");
        }
    }
}
