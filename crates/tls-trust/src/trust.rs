//! The authorities that TLS clients trust.

#![allow(
    clippy::disallowed_methods,
    reason = "`SSL_CERT_FILE` and `SSL_CERT_DIR` name the authorities"
)]

use std::env::var_os;
use std::path::PathBuf;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::words::explain;

/// The environment variables that name authorities. They replace the system's.
const VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The reason why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("a certificate cannot be read: {0}")]
    Pem(String),
    #[error("a certificate cannot be trusted: {0}")]
    Root(String),
    #[error("environment variable `{variable}`: no certificate in `{path}`{detail}")]
    Environment {
        variable: &'static str,
        path: String,
        /// A colon and the reason, or nothing.
        detail: String,
    },
    #[error("TLS cannot be set up: {0}")]
    Config(String),
}

/// Parses the certificates in a PEM text: at least one.
///
/// # Errors
///
/// [`TlsError::Pem`].
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(none) if none.is_empty() => Err(TlsError::Pem("there is none".into())),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(TlsError::Pem(error.to_string())),
    }
}

/// Returns the configuration of a client that trusts the authorities of the environment or the
/// system, and `extra`.
///
/// # Errors
///
/// A [`TlsError`] for authorities that cannot be used.
pub fn client_config(extra: &[CertificateDer<'static>]) -> Result<ClientConfig, TlsError> {
    let roots = authorities(extra)?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Config(explain(&error)))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Returns the file of authorities that the environment names, for libraries that read it themselves.
pub fn authorities_file() -> Option<PathBuf> {
    var_os(VARIABLES[0]).map(PathBuf::from)
}

/// Returns the authorities of the environment or the system, and `extra`.
///
/// # Errors
///
/// A [`TlsError`] for authorities that cannot be used.
pub fn authorities(extra: &[CertificateDer<'static>]) -> Result<RootCertStore, TlsError> {
    let mut roots = general_authorities()?;
    for certificate in extra {
        roots
            .add(certificate.clone())
            .map_err(|error| TlsError::Root(explain(&error)))?;
    }
    Ok(roots)
}

/// Returns the authorities that the environment names, or else the system's, or else Mozilla's.
fn general_authorities() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    for error in &found.errors {
        tracing::warn!(%error, "certificate authority not loaded");
    }
    if !roots.is_empty() {
        return Ok(roots);
    }
    let named = VARIABLES
        .into_iter()
        .find_map(|name| Some((name, var_os(name)?)));
    if let Some((variable, path)) = named {
        let first = found.errors.first();
        return Err(TlsError::Environment {
            variable,
            path: path.display().to_string(),
            detail: first.map_or_else(String::new, |error| format!(": {error}")),
        });
    }
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    Ok(roots)
}
