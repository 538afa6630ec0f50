//! Requests to the producer, and its responses.

use serde_json::Value;
use webhook_producer::http::Response;

/// A request to the producer.
pub struct Call {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) authority: String,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Option<Vec<u8>>,
}

impl Call {
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            authority: "localhost:3000".to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// Sets another `Host` than the default.
    pub fn host(mut self, authority: &str) -> Self {
        self.authority = authority.to_owned();
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        let value = value.as_bytes().to_vec();
        self.headers.push((name.to_owned(), value));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub fn json(self, body: &str) -> Self {
        self.header("content-type", "application/json").body(body)
    }
}

/// The response of the producer.
pub struct Reply(pub(super) Response);

impl Reply {
    pub fn status(&self) -> u16 {
        self.0.status
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.0.headers.iter().filter(|(n, _)| *n == name);
        found.next().map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.0.body).expect("JSON")
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.body.clone()).unwrap()
    }

    /// Returns the code of the problem document, after checking its status and media type.
    #[track_caller]
    pub fn problem(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        let document = self.json();
        assert_eq!(document["status"], self.status());
        document["code"].as_str().expect("a code").to_owned()
    }
}
