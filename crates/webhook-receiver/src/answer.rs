//! An answer, before it becomes one of Spin's.

use problem_details::Problem;

use crate::Headers;

/// Status, headers and body to answer with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// Its headers but for the length, which is the body's.
    pub headers: Headers,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl Answer {
    /// 200 with a plain text.
    pub fn text(text: &str) -> Self {
        Self::new(200, "text/plain; charset=utf-8", text.as_bytes().to_vec())
    }

    /// The problem's status, with its document as the body, on a line of its own for terminals.
    pub fn problem(problem: &Problem) -> Self {
        let mut document = problem.to_json();
        document.push(b'\n');
        Self::new(problem.status(), problem_details::CONTENT_TYPE, document)
    }

    fn new(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
        }
        .header("content-type", content_type)
    }

    /// The same answer with one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let value = value.as_bytes().to_vec();
        self.headers.push((name.to_owned(), value));
        self
    }
}
