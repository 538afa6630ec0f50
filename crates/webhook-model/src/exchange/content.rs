//! The content of a record.

use bytes::Bytes;

/// The request of an attempt and its response. Empty if nothing was recorded, or if it was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange(pub(super) Bytes);

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2,
}

/// A request as it was sent, or would have been sent if no connection was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentRequest {
    /// The URL, with [`MASK`](crate::MASK) in place of secrets.
    pub url: String,
    /// The protocol; `None` without a response.
    pub protocol: Option<Protocol>,
    /// All headers in the order in which they are sent, with [`MASK`](crate::MASK) in place of the
    /// endpoint's own values.
    pub headers: Vec<WireHeader>,
}

/// A response as it was received. The attempt has its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedResponse {
    /// The headers in the order in which they were received, with [`MASK`](crate::MASK) in place of
    /// cookies.
    pub headers: Vec<WireHeader>,
    /// Set if there were more headers than are kept.
    pub has_more_headers: bool,
    /// The first bytes of the body. They come from a stranger, and may be in any format.
    pub body: Bytes,
    /// The number of bytes of the body that were received, of which `body` keeps the first.
    pub body_bytes: u64,
}

/// A header. Bytes that are not UTF-8 are replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireHeader {
    pub name: String,
    pub value: String,
}

impl Exchange {
    /// Returns the exchange of a stored record.
    pub fn from_stored(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// Returns the record, for stores.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Protocol {
    /// Returns the name of the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        }
    }
}

impl ReceivedResponse {
    /// Returns the kept bytes of the body as printable text: control characters except line feeds are
    /// spaces, and bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        text.chars()
            .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
            .collect()
    }

    /// Returns whether the body had more bytes than are kept.
    pub fn is_cut(&self) -> bool {
        self.body_bytes > self.body.len() as u64
    }
}
