//! Checks of the addresses of servers.

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::allowed_hosts;
use crate::host::grants::Grants;

/// The scheme of an entry in `allowed_outbound_hosts`, whatever the form of the address.
const SCHEME: &str = "postgres";

/// The port of a host without one.
const DEFAULT_PORT: u16 = 5432;

/// Parses an address, and checks that the component can connect to each of its hosts. Reports a
/// refusal.
///
/// # Errors
///
/// The message of Spin.
pub(super) fn check(grants: &Grants, address: &str) -> Result<Config, String> {
    let config: Config = address
        .parse()
        .map_err(|error: tokio_postgres::Error| error.to_string())?;
    if config.get_hosts().is_empty() {
        return Err("the address has no host".to_owned());
    }
    for (index, host) in config.get_hosts().iter().enumerate() {
        let Host::Tcp(host) = host else {
            return Err("Unix sockets are not supported on WebAssembly".to_owned());
        };
        let port = port_of(&config, index);
        if !allowed_hosts::allows(&grants.network.allowed, SCHEME, host, port) {
            let origin = allowed_hosts::origin(SCHEME, host, port);
            grants.report_denied(&origin);
            return Err(format!("address {origin} is not permitted"));
        }
    }
    Ok(config)
}

/// Returns the port of the host at `index`, if the address has one. A single port is that of every
/// host.
fn port_of(config: &Config, index: usize) -> Option<u16> {
    match config.get_ports() {
        [only] => Some(*only),
        ports => ports.get(index).copied(),
    }
}

/// Returns the hosts with their ports.
pub(super) fn servers(config: &Config) -> Vec<(&str, u16)> {
    let hosts = config.get_hosts().iter().enumerate();
    hosts
        .filter_map(|(index, host)| match host {
            Host::Tcp(host) => Some((
                host.as_str(),
                port_of(config, index).unwrap_or(DEFAULT_PORT),
            )),
            Host::Unix(_) => None,
        })
        .collect()
}
