//! Recorded requests.

use std::fmt;

use http::request::Parts;

/// A request as it was received.
#[derive(Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The method, in upper case.
    pub method: String,
    /// The path as it was sent, without the query.
    pub path: String,
    /// The query as it was sent, without the `?`.
    pub query: Option<String>,
    /// The headers in the order of arrival, grouped by name. Names are in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The bytes of the body.
    pub body: Vec<u8>,
}

impl Recorded {
    pub(super) fn new(head: &Parts, body: &[u8]) -> Self {
        let own = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (name.as_str().to_owned(), value.as_bytes().to_vec())
        };
        Self {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            headers: head.headers.iter().map(own).collect(),
            body: body.to_vec(),
        }
    }

    /// Returns the value of a header.
    ///
    /// # Panics
    ///
    /// The header occurs more than once, or is not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self
            .headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let (_, value) = values.next()?;
        assert!(
            values.next().is_none(),
            "`{name}` is there twice in {self:?}"
        );
        Some(std::str::from_utf8(value).expect("a header of text"))
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    ///
    /// The body is not JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Returns `true` if the path, the query, a header or the body contains `text`.
    pub fn mentions(&self, text: &str) -> bool {
        format!("{self:?}").contains(text)
    }
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = self.query.as_ref().map(|query| format!("?{query}"));
        writeln!(
            f,
            "{} {}{}",
            self.method,
            self.path,
            query.unwrap_or_default()
        )?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", String::from_utf8_lossy(value))?;
        }
        write!(f, "{}", String::from_utf8_lossy(&self.body))
    }
}
