//! Connections to the servers of guests: Redis and PostgreSQL.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio_rustls::rustls::RootCertStore;

use crate::runtime_config::BlockedNetworks;

/// Resolves a host, skips its blocked addresses, and connects to the first address that accepts.
pub(super) async fn connect(
    host: &str,
    port: u16,
    blocked: &BlockedNetworks,
) -> io::Result<TcpStream> {
    let addresses = tokio::net::lookup_host((host, port)).await?;
    let mut open: Vec<SocketAddr> = addresses.collect();
    open.retain(|address| !blocked.blocks(address.ip()));
    if open.is_empty() {
        return Err(io::Error::other("every address of the host is blocked"));
    }
    let stream = TcpStream::connect(&*open).await?;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Returns the certificate authorities of the system.
pub(super) fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}
