//! The request and the response of an attempt as they went over the wire, in one compact record.
//!
//! A record is written with every attempt and rarely read. It is therefore encoded once, where the
//! request is sent, and stores keep its bytes without knowledge of their format.
//!
//! ```text
//! version  1   1
//! flags    1   1: has a response, 2: HTTP/1.1, 4: HTTP/2, 8: the response has more headers
//! url      text, with secrets masked
//! headers  of the request, without `Host` and `Content-Length`
//! size     number: the bytes of the request's body
//! ── with a response ──
//! headers  of the response
//! size     number: the bytes of the response's body that were received
//! body     up to the end: the first of those bytes
//! ```
//!
//! A number is in LEB128; a text is the number of its bytes and these. Headers are described in
//! [`HeaderBlock`].

mod content;
mod encoding;
mod headers;
mod packed;
mod read;
mod record;

pub use content::{Exchange, Protocol, ReceivedResponse, SentRequest, WireHeader};
pub use headers::{HeaderBlock, MAX_HEADER_BLOCK_BYTES};
pub use record::{ReceivedParts, RequestRecord};

/// The maximum of `delivery.keep_response`, the number of bytes of a response's body that an attempt
/// keeps.
pub const MAX_KEPT_RESPONSE_BYTES: usize = 64 * 1024;

/// The default of `delivery.keep_response`.
pub const DEFAULT_KEPT_RESPONSE_BYTES: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MASK;

    fn header(name: &str, value: &str) -> WireHeader {
        WireHeader {
            name: name.into(),
            value: value.into(),
        }
    }

    fn request() -> RequestRecord {
        let mut request = RequestRecord::new("https://example.com:8443/hook?token=s3cret&a=1");
        request.shown("Content-Type", "application/json");
        request.hidden("Authorization");
        request
    }

    fn exchange(response: Option<&ReceivedParts<'_>>) -> Exchange {
        request().exchange([("webhook-id", "evt_1")], 17, response)
    }

    #[test]
    fn an_exchange_is_read_as_it_was_recorded() {
        let mut headers = HeaderBlock::default();
        headers.push("Content-Type", b"text/html");
        headers.push("x-odd", b"\xff");
        headers.push("Set-Cookie", b"session=s3cret");
        let exchange = exchange(Some(&ReceivedParts {
            protocol: Protocol::Http1,
            headers: &headers,
            body: b"\0<html>",
            body_bytes: 300,
        }));
        let request = exchange.request().unwrap();
        assert_eq!(request.url, "https://example.com:8443/hook?token=***&a=1");
        assert_eq!(request.protocol, Some(Protocol::Http1));
        let sent = [
            header("Host", "example.com:8443"),
            header("Content-Type", "application/json"),
            header("Authorization", MASK),
            header("webhook-id", "evt_1"),
            header("Content-Length", "17"),
        ];
        assert_eq!(request.headers, sent);
        let response = exchange.response().unwrap();
        let received = [
            header("Content-Type", "text/html"),
            header("x-odd", "\u{fffd}"),
            header("Set-Cookie", MASK),
        ];
        assert_eq!(response.headers, received);
        assert_eq!(&response.body[..], b"\0<html>");
        assert_eq!((response.body_bytes, response.is_cut()), (300, true));
        assert_eq!(response.text(), " <html>");
        assert!(!String::from_utf8_lossy(exchange.as_bytes()).contains("s3cret"));
    }

    #[test]
    fn a_request_over_http_2_has_the_names_of_that_protocol() {
        let parts = ReceivedParts {
            protocol: Protocol::Http2,
            headers: &HeaderBlock::default(),
            body: b"",
            body_bytes: 0,
        };
        let request = exchange(Some(&parts)).request().unwrap();
        let names: Vec<_> = request.headers.iter().map(|it| &*it.name).collect();
        let lower_case = [
            "content-type",
            "authorization",
            "webhook-id",
            "content-length",
        ];
        assert_eq!(names[0], ":authority");
        assert_eq!(names[1..], lower_case);
    }

    #[test]
    fn an_exchange_without_a_response_has_its_request() {
        let exchange = exchange(None);
        assert_eq!(exchange.response(), None);
        assert_eq!(exchange.request().unwrap().protocol, None);
    }

    #[test]
    fn an_attempt_of_an_earlier_version_has_its_text() {
        let exchange = Exchange::of_text("sorry\n");
        assert_eq!(exchange.request(), None);
        assert_eq!(exchange.response().unwrap().text(), "sorry\n");
        assert_eq!(Exchange::default().response(), None);
    }

    #[test]
    fn headers_beyond_the_limit_are_left_out_and_noted() {
        let mut headers = HeaderBlock::default();
        headers.push("x-first", b"1");
        headers.push("x-long", &[b'a'; MAX_HEADER_BLOCK_BYTES]);
        headers.push("x-last", b"2");
        let parts = ReceivedParts {
            protocol: Protocol::Http1,
            headers: &headers,
            body: b"",
            body_bytes: 0,
        };
        let response = exchange(Some(&parts)).response().unwrap();
        assert!(response.has_more_headers);
        assert_eq!(
            response.headers,
            [header("x-first", "1"), header("x-last", "2")]
        );
    }

    #[test]
    fn a_damaged_record_is_read_without_a_panic() {
        let whole = exchange(None).0;
        for end in 0..whole.len() {
            assert_eq!(Exchange(whole.slice(..end)).request(), None);
        }
        for at in 0..whole.len() {
            let mut damaged = whole.to_vec();
            damaged[at] ^= 0xff;
            let damaged = Exchange(damaged.into());
            let _ = (damaged.request(), damaged.response());
        }
    }
}
