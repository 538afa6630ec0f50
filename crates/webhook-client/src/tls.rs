//! The TLS configuration for receivers.

use std::sync::Arc;

use tls_trust::{TlsError, client_config};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::CertificateDer;

/// Returns the connector for receivers, which offers HTTP/2 and HTTP/1.1.
pub(super) fn connector(extra: &[CertificateDer<'static>]) -> Result<TlsConnector, TlsError> {
    let mut config = client_config(extra)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
