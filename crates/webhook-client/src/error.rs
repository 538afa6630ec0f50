//! Why there is no answer.

use std::io;

use webhook_model::Phase;

use super::{AddressError, UrlError};

/// Why a request got no answer.
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
    /// For those who sign what they post.
    #[error(transparent)]
    Unsigned(webhook_signature::SignError),
    #[error("the request was not taken: {0}")]
    Send(String),
    #[error("no answer: {0}")]
    Respond(String),
    #[error("the answer is not HTTP: {0}")]
    Broken(String),
    /// The deadline passed in this phase.
    #[error("timed out while {}", doing(.0))]
    TimedOut(Phase),
    /// This machine, not the receiver, could not: no file descriptors, ports or memory left.
    #[error("out of resources: {0}")]
    Exhausted(String),
}

impl CallError {
    /// How far the request came.
    pub fn phase(&self) -> Phase {
        match self {
            Self::Url(_) | Self::Address(_) | Self::Unresolved { .. } => Phase::Address,
            Self::Connect(_) | Self::Tls(_) | Self::Exhausted(_) => Phase::Connect,
            Self::Header(_) | Self::Unsigned(_) | Self::Send(_) => Phase::Send,
            Self::Respond(_) | Self::Broken(_) => Phase::Respond,
            Self::TimedOut(phase) => *phase,
        }
    }

    /// Of a failed connection.
    pub(super) fn connect(error: &io::Error) -> Self {
        match is_exhausted(error) {
            true => Self::Exhausted(plain(error)),
            false => Self::Connect(plain(error)),
        }
    }
}

/// EMFILE, ENFILE, ENOBUFS, ENOMEM and EADDRNOTAVAIL say something of us and nothing of whom we call.
fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let ours = [
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
        Errno::ADDRNOTAVAIL,
    ];
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    errno.is_some_and(|errno| ours.contains(&errno))
}

/// An error without the system's own words where there are better ones.
pub(super) fn plain(error: &io::Error) -> String {
    let Some(inner) = error.get_ref().filter(|_| error.raw_os_error().is_none()) else {
        return error.kind().to_string();
    };
    tls_trust::find(inner).unwrap_or_else(|| inner.to_string())
}

fn doing(phase: &Phase) -> &'static str {
    match phase {
        Phase::Address => "resolving the host",
        Phase::Connect => "connecting",
        Phase::Send => "sending the request",
        _ => "waiting for the answer",
    }
}
