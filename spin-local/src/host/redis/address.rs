//! Checks of the addresses of servers.

use redis::{ConnectionAddr, ConnectionInfo};
use url::Url;

use crate::allowed_hosts;
use crate::host::grants::Grants;

/// Returns `true` if the component can connect to `address`, and reports a refusal.
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
    grants.report_denied(&allowed_hosts::origin(url.scheme(), host, url.port()));
    false
}

/// Returns `true` for TCP with or without verified TLS. A manifest cannot allow a Unix socket, nor TLS
/// without verification.
pub(super) fn is_remote(server: &ConnectionInfo) -> bool {
    matches!(
        server.addr(),
        ConnectionAddr::Tcp(..)
            | ConnectionAddr::TcpTls {
                insecure: false,
                ..
            }
    )
}
