//! TLS connectors for the values of `sslmode`.

use std::sync::Arc;

use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
};

use super::address::{Tls, TlsMode};
use super::error::ConnectError;

/// Returns the connector for connections to an address. Reads the file of authorities.
pub(super) fn connector(tls: &Tls) -> Result<MakeRustlsConnect, ConnectError> {
    let mut extra = Vec::new();
    if let Some(file) = &tls.authorities {
        let unusable = |detail: String| ConnectError::Authorities {
            file: file.clone(),
            detail,
        };
        let pem = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
        extra = tls_trust::certificates(&pem).map_err(|error| unusable(error.to_string()))?;
    }
    let config = match tls.mode {
        TlsMode::VerifyFull => trusting(&extra)?,
        TlsMode::VerifyCa => with_verifier(Checks::Authority(authority_verifier(&extra)?))?,
        _ => with_verifier(Checks::None)?,
    };
    Ok(MakeRustlsConnect::new(config))
}

fn trusting(extra: &[CertificateDer<'static>]) -> Result<ClientConfig, ConnectError> {
    tls_trust::client_config(extra).map_err(|error| ConnectError::Tls(error.to_string()))
}

fn authority_verifier(
    extra: &[CertificateDer<'static>],
) -> Result<Arc<WebPkiServerVerifier>, ConnectError> {
    let unusable = |error: &dyn std::fmt::Display| ConnectError::Tls(error.to_string());
    let roots = tls_trust::authorities(extra).map_err(|error| unusable(&error))?;
    let provider = Arc::new(ring::default_provider());
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| unusable(&error))
}

fn with_verifier(checks: Checks) -> Result<ClientConfig, ConnectError> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Verifier {
        checks,
        provider: provider.clone(),
    });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectError::Tls(tls_trust::explain(&error)))?;
    let config = config
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    Ok(config.with_no_client_auth())
}

/// The checks of a server's certificate that `sslmode` asks for, below those of `verify-full`.
#[derive(Debug)]
enum Checks {
    /// `prefer` and `require`: the connection is encrypted, and the server is not identified.
    None,
    /// `verify-ca`: a trusted authority issued the certificate, for any name.
    Authority(Arc<WebPkiServerVerifier>),
}

#[derive(Debug)]
struct Verifier {
    checks: Checks,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Checks::Authority(verifier) = &self.checks else {
            return Ok(ServerCertVerified::assertion());
        };
        let verified =
            verifier.verify_server_cert(certificate, intermediates, name, ocsp_response, now);
        match verified {
            // The chain is checked before the name.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
