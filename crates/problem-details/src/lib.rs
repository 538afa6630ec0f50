//! Problem documents: the body of every error answer (RFC 9457).
//!
//! A [`Problem`] is what an outsider gets to see of an error: a stable code to branch on, a short
//! title that is the same each time, and a detail about this occurrence. Nothing secret belongs in
//! it; what only an operator may know goes to the log.
//!
//! The document's `type` is `urn:signed-webhooks:problem:<code>`, and the same code stands alone in
//! the extension member `code`, so that a client can compare it without taking a URI apart.
//!
//! ```
//! use problem_details::Problem;
//!
//! let problem = Problem::new(400, "broken-json", "The body is not JSON")
//!     .detail("expected `,` or `}` at line 1 column 9");
//! let document: serde_json::Value = serde_json::from_slice(&problem.to_json()).unwrap();
//!
//! assert_eq!(document["type"], "urn:signed-webhooks:problem:broken-json");
//! assert_eq!(document["status"], 400);
//! assert_eq!(document["code"], "broken-json");
//! ```

#![cfg_attr(not(test), deny(clippy::disallowed_macros, clippy::disallowed_methods))]

use std::fmt;

/// The media type of a problem document, for the `Content-Type` header (RFC 9457, section 6.1).
pub const CONTENT_TYPE: &str = "application/problem+json";

/// What the `type` of every document starts with; the code follows.
const TYPE_PREFIX: &str = "urn:signed-webhooks:problem:";

/// One error, in the form an outsider gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: u16,
    code: &'static str,
    title: &'static str,
    detail: Option<String>,
}

impl Problem {
    /// A problem with the HTTP status it is answered with, its stable code (lower-case words joined
    /// by hyphens), and its title: a short sentence that does not change from one occurrence to the
    /// next.
    pub fn new(status: u16, code: &'static str, title: &'static str) -> Self {
        Self {
            status,
            code,
            title,
            detail: None,
        }
    }

    /// Adds what is particular to this occurrence, in words for the client.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The HTTP status code to answer with.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The stable code a client branches on.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The document as UTF-8 JSON. `detail` is left out where none was given.
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

/// For logs: the code, then the detail or, where there is none, the title.
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
            .detail("the consumer answered 403");
        assert_eq!(
            document(&problem),
            json!({
                "type": "urn:signed-webhooks:problem:handshake-failed",
                "title": "The handshake failed",
                "status": 502,
                "detail": "the consumer answered 403",
                "code": "handshake-failed",
            })
        );
    }

    #[test]
    fn a_problem_without_a_detail_has_no_such_member() {
        let problem = Problem::new(404, "not-found", "Nothing is served here");
        assert!(document(&problem).get("detail").is_none());
    }

    #[test]
    fn quotes_and_line_breaks_in_a_detail_survive() {
        let detail = "unknown field `a\"b\n`, \u{7f}\u{e4}";
        let problem = Problem::new(400, "unknown-field", "A field is unknown").detail(detail);
        assert_eq!(document(&problem)["detail"], detail);
    }

    #[test]
    fn the_log_line_names_the_code_and_the_particulars() {
        let problem = Problem::new(404, "not-found", "Nothing is served here");
        assert_eq!(problem.to_string(), "not-found: Nothing is served here");
        let problem = problem.detail("no route for `/x`");
        assert_eq!(problem.to_string(), "not-found: no route for `/x`");
    }
}
