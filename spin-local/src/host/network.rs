//! The network access of a component.

use std::net::{IpAddr, SocketAddr};

use wasmtime_wasi::sockets::SocketAddrUse;

use super::http_client::HttpClient;
use crate::allowed_hosts::{self, AllowedHost};
use crate::runtime_config::BlockedNetworks;

/// The hosts that a component can connect to.
pub(super) struct Network {
    pub(super) allowed: Vec<AllowedHost>,
    pub(super) blocked: BlockedNetworks,
    /// The address on which this app listens, for requests to `self`.
    pub(super) own_address: SocketAddr,
    pub(super) client: HttpClient,
}

impl Network {
    /// Returns `true` if a guest can use the address of a socket. Guests can connect and never
    /// listen: they bind only the unspecified addresses that connecting and sending imply.
    pub(super) fn allows_socket(&self, address: SocketAddr, usage: SocketAddrUse) -> bool {
        match usage {
            SocketAddrUse::TcpConnect => self.allows_address(address, "tcp"),
            SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => {
                self.allows_address(address, "udp")
            }
            SocketAddrUse::TcpBind | SocketAddrUse::UdpBind => {
                address.ip().is_unspecified() && address.port() == 0
            }
            _ => false,
        }
    }

    fn allows_address(&self, address: SocketAddr, scheme: &str) -> bool {
        let host = match address.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        allowed_hosts::allows(&self.allowed, scheme, &host, Some(address.port()))
            && !self.blocked.blocks(address.ip())
    }
}
