//! `[outbound_networking] block_networks`: addresses no component may connect to.

use std::net::IpAddr;

use ip_network::IpNetwork;

use crate::toml_text::{Fault, Table};

/// Networks that are closed to components, after names have been resolved.
///
/// Which addresses are `private` is what `ip_network` calls not global, as it is in Spin.
#[derive(Clone, Debug, Default)]
pub struct BlockedNetworks {
    networks: Vec<IpNetwork>,
    private: bool,
}

impl BlockedNetworks {
    /// Whether a connection to `address` is refused. An IPv6 address that stands for an IPv4
    /// address is refused with it.
    pub fn blocks(&self, address: IpAddr) -> bool {
        self.blocks_as_is(address)
            || match address {
                IpAddr::V4(_) => false,
                IpAddr::V6(address) => address
                    .to_ipv4()
                    .is_some_and(|address| self.blocks_as_is(IpAddr::V4(address))),
            }
    }

    fn blocks_as_is(&self, address: IpAddr) -> bool {
        (self.private && !IpNetwork::from(address).is_global())
            || self.networks.iter().any(|net| net.contains(address))
    }
}

pub(super) fn read(root: &Table<'_>) -> Result<BlockedNetworks, Fault> {
    let mut blocked = BlockedNetworks::default();
    let Some(networking) = root.get("outbound_networking") else {
        return Ok(blocked);
    };
    let networking = networking.table()?;
    for limit in ["max_socket_connections", "max_total_connections"] {
        if let Some(entry) = networking.get(limit) {
            return Err(entry.unsupported());
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
