//! Reads records.

use bytes::Bytes;
use url::{Position, Url};

use super::content::{Exchange, Protocol, ReceivedResponse, SentRequest, WireHeader};
use super::encoding::Reader;
use super::headers;
use super::record::{VERSION, flag};

impl Exchange {
    /// Returns the request; `None` if it is not recorded.
    pub fn request(&self) -> Option<SentRequest> {
        parts(&self.0)?.0
    }

    /// Returns the response; `None` if there was none, or it is not recorded.
    pub fn response(&self) -> Option<ReceivedResponse> {
        parts(&self.0)?.1
    }
}

/// Returns the request and the response of a record; `None` if it is empty, or of a later version.
fn parts(record: &Bytes) -> Option<(Option<SentRequest>, Option<ReceivedResponse>)> {
    let mut from = Reader(record.clone());
    if from.byte()? != VERSION {
        return None;
    }
    let flags = from.byte()?;
    let (url, sent) = (from.text()?, headers::read(&mut from)?);
    let body_bytes = from.number()?;
    let response = if flags & flag::RESPONSE == 0 {
        None
    } else {
        Some(ReceivedResponse {
            headers: headers::read(&mut from)?,
            has_more_headers: flags & flag::MORE_HEADERS != 0,
            body_bytes: from.number()?,
            body: from.0,
        })
    };
    let protocol = match flags & (flag::HTTP1 | flag::HTTP2) {
        flag::HTTP1 => Some(Protocol::Http1),
        flag::HTTP2 => Some(Protocol::Http2),
        _ => None,
    };
    let request = (!url.is_empty()).then(|| SentRequest {
        headers: all_headers(&url, protocol, sent, body_bytes),
        url,
        protocol,
    });
    Some((request, response))
}

/// Adds the headers that follow from the rest, and gives all of them the names of the protocol.
fn all_headers(
    url: &str,
    protocol: Option<Protocol>,
    sent: Vec<WireHeader>,
    body_bytes: u64,
) -> Vec<WireHeader> {
    let is_http2 = protocol == Some(Protocol::Http2);
    let header = |name: &str, value: String| WireHeader {
        name: name.into(),
        value,
    };
    let host = if is_http2 { ":authority" } else { "Host" };
    let host = header(host, authority(url));
    let length = header("Content-Length", body_bytes.to_string());
    let mut all: Vec<_> = [host].into_iter().chain(sent).chain([length]).collect();
    if is_http2 {
        all.iter_mut().for_each(|it| it.name.make_ascii_lowercase());
    }
    all
}

fn authority(url: &str) -> String {
    let url = Url::parse(url);
    url.map(|url| url[Position::BeforeHost..Position::AfterPort].to_owned())
        .unwrap_or_default()
}
