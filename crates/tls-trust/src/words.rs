//! TLS errors as plain text. The libraries' own texts show the names of their types.

use std::error::Error;
use std::io;
use std::sync::Arc;

use tokio_rustls::rustls::{self, CertificateError};
use webhook_model::Millis;

/// Returns the text of the TLS error that `error` is or was caused by, if there is one.
pub fn find(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(explain(error));
        }
        next = inside(error);
    }
    None
}

/// Returns the next error in the chain. The sources of I/O errors and shared errors skip the error that
/// they hold.
fn inside<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    type SharedError = Arc<dyn Error + Send + Sync>;
    if let Some(held) = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        return Some(held);
    }
    match error.downcast_ref::<SharedError>() {
        Some(held) => Some(&**held),
        None => error.source(),
    }
}

/// Returns the text of a TLS error.
pub fn explain(error: &rustls::Error) -> String {
    use rustls::Error;
    match error {
        Error::InvalidCertificate(error) => certificate(error),
        Error::AlertReceived(alert) => {
            format!(
                "the server ended the handshake with alert `{}`",
                words(alert)
            )
        }
        Error::PeerIncompatible(why) => format!("the server is incompatible: {}", words(why)),
        Error::PeerMisbehaved(why) => format!("the server violates the protocol: {}", words(why)),
        Error::InvalidMessage(kind) => {
            format!("the server does not speak TLS correctly: {}", words(kind))
        }
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "the server sent an unexpected TLS message".into()
        }
        Error::InvalidCertRevocationList(why) => {
            format!("the certificate revocation list is invalid: {}", words(why))
        }
        other => other.to_string(),
    }
}

fn certificate(error: &CertificateError) -> String {
    let at = |time: &rustls::pki_types::UnixTime| Millis(time.as_secs().saturating_mul(1000));
    match error {
        CertificateError::UnknownIssuer => {
            "the server's certificate is not issued by a trusted authority".into()
        }
        CertificateError::Expired => "the server's certificate has expired".into(),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the server's certificate expired at {}", at(not_after))
        }
        CertificateError::NotValidYet => "the server's certificate is not valid yet".into(),
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "the server's certificate is not valid before {}",
            at(not_before)
        ),
        CertificateError::NotValidForName => {
            "the server's certificate is not valid for its name".into()
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => format!(
            "the server's certificate is not valid for `{}`, but for {}",
            expected.to_str(),
            listed(presented)
        ),
        CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity" => {
            "the server's certificate is that of an authority; it needs one issued for the server"
                .into()
        }
        CertificateError::Other(other) => {
            format!("the server's certificate is invalid: {}", words(&other.0))
        }
        other => format!("the server's certificate is invalid: {}", words(other)),
    }
}

/// Returns a list of names such as `DnsName("example.com")`, without their kinds.
fn listed(names: &[String]) -> String {
    let inner = |name: &str| {
        let inner = name
            .split_once('(')
            .and_then(|(_, rest)| rest.strip_suffix(')'));
        inner.unwrap_or(name).trim_matches('"').to_owned()
    };
    let quoted: Vec<_> = names
        .iter()
        .map(|name| format!("`{}`", inner(name)))
        .collect();
    if quoted.is_empty() {
        "no name".into()
    } else {
        quoted.join(", ")
    }
}

/// Returns the words in the name of a variant: `handshake failure` for `HandshakeFailure`.
fn words(variant: &impl std::fmt::Debug) -> String {
    let shown = format!("{variant:?}");
    let name = shown.split(|c: char| !c.is_ascii_alphanumeric()).next();
    let mut words = String::new();
    for c in name.unwrap_or_default().chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use rustls::{AlertDescription, OtherError, PeerIncompatible};

    use super::*;

    #[test]
    fn a_tls_error_is_found_among_the_causes_and_shows_no_type_names() {
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let io = io::Error::new(io::ErrorKind::InvalidData, unknown);
        let outer = io::Error::other(io);
        assert_eq!(
            find(&outer).as_deref(),
            Some("the server's certificate is not issued by a trusted authority")
        );
        let redis = redis::RedisError::from(outer);
        assert_eq!(
            find(&redis).as_deref(),
            Some("the server's certificate is not issued by a trusted authority")
        );
        assert_eq!(find(&io::Error::other("x")), None);
    }

    #[test]
    fn names_of_variants_are_written_as_words() {
        let other = OtherError(Arc::new(io::Error::other("x")));
        let cases = [
            (
                rustls::Error::AlertReceived(AlertDescription::HandshakeFailure),
                "the server ended the handshake with alert `handshake failure`",
            ),
            (
                rustls::Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
                "the server is incompatible: no cipher suites in common",
            ),
            (
                rustls::Error::InvalidCertificate(CertificateError::BadSignature),
                "the server's certificate is invalid: bad signature",
            ),
            (
                rustls::Error::InvalidCertificate(CertificateError::Other(other)),
                "the server's certificate is invalid: custom",
            ),
        ];
        for (error, text) in cases {
            assert_eq!(explain(&error), text);
        }
    }
}
