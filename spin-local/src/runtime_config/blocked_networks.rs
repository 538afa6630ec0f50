//! `[outbound_networking] block_networks`: addresses that no component can connect to.

use std::net::IpAddr;

use config_diagnostics::{Diagnostics, Table};
use ip_network::IpNetwork;

use crate::unsupported::unsupported;

/// Networks that components cannot connect to. They are checked after a name is resolved.
///
/// As in Spin, `private` covers the addresses that `ip_network` does not consider global.
#[derive(Clone, Debug, Default)]
pub struct BlockedNetworks {
    networks: Vec<IpNetwork>,
    private: bool,
}

impl BlockedNetworks {
    /// Returns `true` if connections to `address` are refused. An IPv6 address that embeds an IPv4
    /// address is refused with that one.
    pub fn blocks(&self, address: IpAddr) -> bool {
        self.blocks_exactly(address)
            || match address {
                IpAddr::V4(_) => false,
                IpAddr::V6(address) => address
                    .to_ipv4()
                    .is_some_and(|address| self.blocks_exactly(IpAddr::V4(address))),
            }
    }

    fn blocks_exactly(&self, address: IpAddr) -> bool {
        (self.private && !IpNetwork::from(address).is_global())
            || self.networks.iter().any(|net| net.contains(address))
    }
}

pub(super) fn read(root: &Table<'_>) -> Result<BlockedNetworks, Diagnostics> {
    let mut blocked = BlockedNetworks::default();
    let Some(networking) = root.get("outbound_networking") else {
        return Ok(blocked);
    };
    let networking = networking.table()?;
    for limit in ["max_socket_connections", "max_total_connections"] {
        if let Some(entry) = networking.get(limit) {
            return Err(unsupported(&entry));
        }
    }
    networking.only(&["block_networks"])?;
    for entry in networking.list("block_networks")? {
        match entry.string()? {
            "private" => blocked.private = true,
            network => blocked
                .networks
                .push(IpNetwork::from_str_truncate(network).map_err(|_| {
                    entry.fault(format!(
                        "`{}`: `{network}` is neither a network such as `10.0.0.0/8` nor `private`",
                        entry.path
                    ))
                })?),
        }
    }
    Ok(blocked)
}
