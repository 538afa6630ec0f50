//! Requests and responses, independent of any host's types.

use problem_details::Problem;
use serde::Serialize;

/// A request. Its body is a stream, so that nothing of it is read before the request is authorized.
pub struct Request<B> {
    /// The method, in upper case.
    pub method: String,
    /// The path without the query, as it was sent.
    pub path: String,
    /// The query without the `?`, if there is one.
    pub query: Option<String>,
    /// Host and port from the client's `Host` header.
    pub authority: Option<String>,
    pub headers: Headers,
    /// A stream of chunks; see [`Chunks`](crate::body::Chunks).
    pub body: B,
}

/// The headers of a request.
#[derive(Default)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    /// Creates headers from names in any case and order; names may be repeated.
    pub fn new(entries: Vec<(String, Vec<u8>)>) -> Self {
        Self(entries)
    }

    /// Returns true if the header `name` occurs.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
    }

    /// Returns the text of the header `name` if it occurs exactly once.
    ///
    /// A header that is repeated or not UTF-8 is treated as absent: two parsers could disagree about
    /// it.
    pub fn single(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some((_, value)), None) => std::str::from_utf8(value).ok(),
            _ => None,
        }
    }
}

/// A response with its complete body.
pub struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// Creates a JSON response, followed by a line feed for terminals. A value that cannot be
    /// serialized becomes a 500.
    pub fn json(status: u16, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::new(status, "application/json", line(body)),
            Err(_) => Self::from(&crate::problems::internal()),
        }
    }

    /// Adds a header.
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Creates a response that must not be cached: responses contain keys and registrations.
    fn new(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        let headers = vec![
            ("content-type", content_type.to_owned()),
            ("cache-control", "no-store".to_owned()),
        ];
        Self {
            status,
            headers,
            body,
        }
    }
}

impl From<&Problem> for Response {
    fn from(problem: &Problem) -> Self {
        Self::new(
            problem.status(),
            problem_details::CONTENT_TYPE,
            line(problem.to_json()),
        )
    }
}

fn line(mut text: Vec<u8>) -> Vec<u8> {
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(entries: &[(&str, &str)]) -> Headers {
        let own = |(name, value): &(&str, &str)| (name.to_string(), value.as_bytes().to_vec());
        Headers::new(entries.iter().map(own).collect())
    }

    #[test]
    fn a_header_is_found_in_any_case() {
        let headers = headers(&[("Content-Type", "text/plain")]);
        assert_eq!(headers.single("content-type"), Some("text/plain"));
    }

    #[test]
    fn a_repeated_header_is_treated_as_absent() {
        let headers = headers(&[("authorization", "a"), ("Authorization", "b")]);
        assert_eq!(headers.single("authorization"), None);
    }
}
