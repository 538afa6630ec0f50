//! Connections to servers: resolves the hosts, skips blocked addresses, and connects, with TLS unless
//! the address disables it.

use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::Config;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use super::address::servers;
use super::connection::{Connection, Driver};
use crate::host::meter::{Meter, Metered};
use crate::host::server;
use crate::runtime_config::BlockedNetworks;

/// The timeout for a connection, including TLS and the log-in, if the address has no
/// `connect_timeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Connects to the first host that accepts. `ca_root` is trusted in addition to the roots of the
/// system. `meter` limits the replies.
pub(super) async fn connect(
    config: &Config,
    ca_root: Option<&str>,
    blocked: &BlockedNetworks,
    meter: &Meter,
) -> anyhow::Result<Connection> {
    let timeout = config.get_connect_timeout().copied();
    let timeout = timeout.unwrap_or(CONNECT_TIMEOUT);
    let connecting = async {
        let mut failure = anyhow::anyhow!("the address has no host");
        for (host, port) in servers(config) {
            match connect_to(config, (host, port), ca_root, blocked, meter).await {
                Ok(connection) => return Ok(connection),
                Err(error) => failure = error.context(format!("connecting to {host}:{port}")),
            }
        }
        Err(failure)
    };
    tokio::time::timeout(timeout, connecting)
        .await
        .unwrap_or_else(|_| Err(anyhow::anyhow!("no response within {timeout:?}")))
}

async fn connect_to(
    config: &Config,
    (host, port): (&str, u16),
    ca_root: Option<&str>,
    blocked: &BlockedNetworks,
    meter: &Meter,
) -> anyhow::Result<Connection> {
    let stream = server::connect(host, port, blocked).await?;
    let stream = Metered::new(stream, meter.clone(), <[u8]>::len);
    let mut tls = MakeRustlsConnect::new(tls_config(ca_root)?);
    let tls = make_tls_connect(&stream, &mut tls, host)?;
    let (client, connection) = config.connect_raw(stream, tls).await?;
    let driver = tokio::spawn(async move {
        // The error is that of the pending statement as well.
        let _ = connection.await;
    });
    Ok(Connection {
        client: client.into(),
        meter: meter.clone(),
        _driver: Driver(driver).into(),
    })
}

/// Returns the TLS of a connection over `_stream`, whose type it selects.
fn make_tls_connect<S>(
    _stream: &S,
    tls: &mut MakeRustlsConnect,
    host: &str,
) -> anyhow::Result<<MakeRustlsConnect as MakeTlsConnect<S>>::TlsConnect>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    Ok(MakeTlsConnect::<S>::make_tls_connect(tls, host)?)
}

fn tls_config(ca_root: Option<&str>) -> anyhow::Result<ClientConfig> {
    let mut roots = server::system_roots();
    for certificate in ca_root.map(certificates).transpose()?.unwrap_or_default() {
        roots.add(certificate).context("invalid root certificate")?;
    }
    Ok(ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Parses certificates in PEM, of which there must be one or more.
pub(super) fn certificates(pem: &str) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let certificates = certificates.context("invalid root certificate")?;
    anyhow::ensure!(!certificates.is_empty(), "invalid root certificate");
    Ok(certificates)
}
