//! The errors of requests without a response.

use std::io;

use webhook_model::Phase;

use super::{AddressError, UrlError};

/// The reason why a request got no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("host `{host}` does not resolve: {detail}")]
    Unresolved { host: String, detail: String },
    #[error("no connection: {0}")]
    Connect(String),
    #[error("no TLS: {0}")]
    Tls(String),
    #[error("header `{0}` cannot be sent")]
    Header(String),
    /// The request could not be signed. Never returned by the client itself, but by its callers.
    #[error(transparent)]
    Unsigned(webhook_signature::SignError),
    #[error("the request was not sent: {0}")]
    Send(String),
    #[error("no response: {0}")]
    Respond(String),
    #[error("the response is not HTTP: {0}")]
    Broken(String),
    /// The deadline passed in this phase.
    #[error("timed out while {}", activity(.0))]
    TimedOut(Phase),
    /// This machine has no file descriptors, ports or memory left.
    #[error("out of resources: {0}")]
    Exhausted(String),
}

impl CallError {
    /// Returns the phase in which the request failed.
    pub fn phase(&self) -> Phase {
        match self {
            Self::Url(_) | Self::Address(_) | Self::Unresolved { .. } => Phase::Address,
            Self::Connect(_) | Self::Tls(_) | Self::Exhausted(_) => Phase::Connect,
            Self::Header(_) | Self::Unsigned(_) | Self::Send(_) => Phase::Send,
            Self::Respond(_) | Self::Broken(_) => Phase::Respond,
            Self::TimedOut(phase) => *phase,
        }
    }

    /// Converts the error of a failed connection.
    pub(super) fn connect(error: &io::Error) -> Self {
        if is_exhausted(error) {
            Self::Exhausted(plain(error))
        } else {
            Self::Connect(plain(error))
        }
    }
}

/// Returns whether the error is this machine's and says nothing about the receiver: EMFILE, ENFILE,
/// ENOBUFS, ENOMEM and EADDRNOTAVAIL.
fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let local = [
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
        Errno::ADDRNOTAVAIL,
    ];
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    errno.is_some_and(|errno| local.contains(&errno))
}

/// Returns the text of an error, in plain words where the system's text is technical.
pub(super) fn plain(error: &io::Error) -> String {
    let Some(inner) = error.get_ref().filter(|_| error.raw_os_error().is_none()) else {
        return error.kind().to_string();
    };
    tls_trust::find(inner).unwrap_or_else(|| inner.to_string())
}

fn activity(phase: &Phase) -> &'static str {
    match phase {
        Phase::Address => "resolving the host",
        Phase::Connect => "connecting",
        Phase::Send => "sending the request",
        _ => "waiting for the response",
    }
}
