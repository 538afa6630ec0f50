//! Which servers a guest may reach.

use redis::{ConnectionAddr, ConnectionInfo};
use url::Url;

use crate::allowed_hosts;
use crate::host::Grants;

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
    grants.report_denied(&allowed_hosts::origin(url.scheme(), host, url.port()));
    false
}

/// A socket in the file system is nothing that a manifest can allow, and a certificate is checked
/// in any case.
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
