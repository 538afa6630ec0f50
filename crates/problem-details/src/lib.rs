#![doc = include_str!("../README.md")]
#![warn(missing_docs)]
#![cfg_attr(not(test), deny(clippy::disallowed_macros, clippy::disallowed_methods))]

use std::fmt;

/// The media type of a problem document, for the `Content-Type` header (RFC 9457, section 6.1).
pub const CONTENT_TYPE: &str = "application/problem+json";

/// The prefix of the `type` of every document; the code follows.
const TYPE_PREFIX: &str = "urn:signed-webhooks:problem:";

/// An error as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: u16,
    code: &'static str,
    title: &'static str,
    detail: Option<String>,
}

impl Problem {
    /// Creates a problem with its HTTP status, its stable code (lower-case words joined by hyphens)
    /// and its title: a short sentence that is the same for every occurrence.
    pub fn new(status: u16, code: &'static str, title: &'static str) -> Self {
        Self {
            status,
            code,
            title,
            detail: None,
        }
    }

    /// Sets the detail: a text about this occurrence, for the client.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Returns the HTTP status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the stable code to branch on.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Returns the document as UTF-8 JSON. Without a detail, the member `detail` is absent.
    pub fn to_json(&self) -> Vec<u8> {
        let mut document = serde_json::json!({
            "type": format!("{TYPE_PREFIX}{}", self.code),
            "title": self.title,
            "status": self.status,
            "code": self.code,
        });
        if let Some(detail) = &self.detail {
            document["detail"] = detail.as_str().into();
        }
        document.to_string().into_bytes()
    }
}

/// Writes the code, then the detail or, without one, the title. This is meant for logs.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.detail.as_deref().unwrap_or(self.title);
        write!(f, "{}: {text}", self.code)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn document(problem: &Problem) -> Value {
        serde_json::from_slice(&problem.to_json()).unwrap()
    }

    #[test]
    fn a_document_has_every_member() {
        let problem = Problem::new(502, "handshake-failed", "The handshake failed")
            .detail("the consumer responded with 403");
        assert_eq!(
            document(&problem),
            json!({
                "type": "urn:signed-webhooks:problem:handshake-failed",
                "title": "The handshake failed",
                "status": 502,
                "detail": "the consumer responded with 403",
                "code": "handshake-failed",
            })
        );
    }

    #[test]
    fn a_problem_without_a_detail_has_no_detail_member() {
        let problem = Problem::new(404, "not-found", "Resource not found");
        assert!(document(&problem).get("detail").is_none());
    }

    #[test]
    fn a_detail_with_quotes_and_line_breaks_is_escaped() {
        let detail = "unknown field `a\"b\n`, \u{7f}\u{e4}";
        let problem = Problem::new(400, "unknown-field", "A field is unknown").detail(detail);
        assert_eq!(document(&problem)["detail"], detail);
    }

    #[test]
    fn the_log_text_has_the_code_and_the_detail() {
        let problem = Problem::new(404, "not-found", "Resource not found");
        assert_eq!(problem.to_string(), "not-found: Resource not found");
        let problem = problem.detail("no resource at `/x`");
        assert_eq!(problem.to_string(), "not-found: no resource at `/x`");
    }
}
