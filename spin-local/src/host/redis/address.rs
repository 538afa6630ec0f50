//! Which servers a guest may reach.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use redis::io::AsyncDNSResolver;
use redis::{AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, RedisFuture};
use url::Url;

use crate::allowed_hosts;
use crate::host::Grants;
use crate::runtime_config::BlockedNetworks;

/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(30);

/// Whether the component may reach the server of `address`.
pub(super) fn is_allowed(grants: &Grants, address: &str) -> bool {
    let url = match Url::parse(address) {
        Ok(url) if url.has_host() => url,
        _ => return false,
    };
    let host = url.host_str().unwrap_or_default();
    let allowed = &grants.network.allowed;
    if allowed_hosts::allows(allowed, url.scheme(), host, url.port()) {
        return true;
    }
    eprintln!(
        "component `{}` may not reach `{}://{host}`: its `allowed_outbound_hosts` has no such \
         entry",
        grants.component,
        url.scheme()
    );
    false
}

/// A socket in the file system is nothing that a manifest can allow.
pub(super) fn is_remote(server: &ConnectionInfo) -> bool {
    matches!(
        server.addr(),
        ConnectionAddr::Tcp(..) | ConnectionAddr::TcpTls { .. }
    )
}

/// The addresses of a host, without those the runtime configuration blocks.
pub(super) struct Addresses(BlockedNetworks);

impl Addresses {
    pub(super) fn of(grants: &Grants) -> Self {
        Self(grants.network.blocked.clone())
    }

    /// A command waits for its answer for as long as the server takes: some are there to wait.
    pub(super) fn config(self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_dns_resolver(self)
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(None)
    }
}

type Found<'a> = Box<dyn Iterator<Item = SocketAddr> + Send + 'a>;

impl AsyncDNSResolver for Addresses {
    fn resolve<'a, 'b: 'a>(&'a self, host: &'b str, port: u16) -> RedisFuture<'a, Found<'a>> {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((host, port)).await?;
            let mut open = addresses.collect::<Vec<_>>();
            open.retain(|address| !self.0.blocks(address.ip()));
            if open.is_empty() {
                // The client would panic over it.
                return Err(io::Error::other("every address of the host is blocked").into());
            }
            Ok(Box::new(open.into_iter()) as Found<'a>)
        })
    }
}
