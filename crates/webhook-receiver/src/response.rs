//! A response, independent of Spin's types.

use problem_details::Problem;

use crate::Headers;

/// The status, headers and body of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status code.
    pub status: u16,
    /// The headers, without the content length, which follows from the body.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// Returns 200 with a plain text.
    pub fn text(text: &str) -> Self {
        Self::new(200, "text/plain; charset=utf-8", text.as_bytes().to_vec())
    }

    /// Returns the problem's status with its document as the body, followed by a line feed for terminals.
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

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let value = value.as_bytes().to_vec();
        self.headers.push((name.to_owned(), value));
        self
    }
}
