//! A request and a response, free of any host's types.

use problem_details::Problem;
use serde::Serialize;

/// A request as a host hands it over. The body is left as it comes, so that nothing is read of it
/// before the request is known to be welcome.
pub struct Request<B> {
    /// The method in capitals.
    pub method: String,
    /// The path without the query, as it was sent.
    pub path: String,
    /// What stands behind the `?`, if there is one.
    pub query: Option<String>,
    /// Host and port that the client called, from its `Host` header.
    pub authority: Option<String>,
    pub headers: Headers,
    /// A stream of chunks; see [`Chunks`](crate::body::Chunks).
    pub body: B,
}

/// The headers of a request.
#[derive(Default)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    /// Takes headers in any case and order; a name may come more than once.
    pub fn new(entries: Vec<(String, Vec<u8>)>) -> Self {
        Self(entries)
    }

    /// Returns whether the header `name` is there at all.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
    }

    /// The text of the header `name` where it is there exactly once.
    ///
    /// A header that is sent twice, or is not UTF-8, is as good as none: two readers could read it
    /// differently.
    pub fn single(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some((_, value)), None) => std::str::from_utf8(value).ok(),
            _ => None,
        }
    }
}

/// A response with its whole body.
pub struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// A JSON answer, on a line of its own for terminals. A value that cannot be written as JSON
    /// answers 500.
    pub fn json(status: u16, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::new(status, "application/json", line(body)),
            Err(_) => Self::from(&crate::problems::internal()),
        }
    }

    /// The same answer with one more header.
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Answers hold keys, or say who is registered: none of them may be kept by a cache.
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
    fn a_header_sent_twice_counts_as_none() {
        let headers = headers(&[("authorization", "a"), ("Authorization", "b")]);
        assert_eq!(headers.single("authorization"), None);
    }
}
