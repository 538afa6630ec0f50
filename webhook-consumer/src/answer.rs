//! An answer, before it becomes one of Spin's.

use problem::Problem;

/// Status, headers and body to answer with.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The value of `Allow`, which a 405 has to carry (RFC 9110, section 15.5.6).
    pub allow: Option<&'static str>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl Answer {
    /// 200 with a plain text.
    pub fn text(text: &str) -> Self {
        Self {
            status: 200,
            content_type: "text/plain; charset=utf-8",
            allow: None,
            body: text.as_bytes().to_vec(),
        }
    }

    /// The problem's status, with its document as the body.
    pub fn problem(problem: &Problem) -> Self {
        Self {
            status: problem.status(),
            content_type: problem::CONTENT_TYPE,
            allow: None,
            body: problem.to_json(),
        }
    }

    /// The same answer with an `Allow` header where there is one to give.
    pub fn allowing(self, allow: Option<&'static str>) -> Self {
        Self { allow, ..self }
    }
}
