//! The reasons why an accepted request got no response from the app.

use problem_details::Problem;
use webhook_receiver::Response;

/// The reason why the app did not respond. Clients only see the kind, not the cause.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForwardError {
    /// 400 `target-not-passable`: `OPTIONS *` and the like have no path to call the app with.
    #[error("the target of the request is not a path")]
    Target,
    /// 431 `headers-too-large`: the runtime accepts more from a client than from a component.
    #[error("the headers exceed the limit for a component's request")]
    Headers,
    /// 502 `app-unreachable`. The cause is only logged.
    #[error("calling the component `{component}` failed: {cause}")]
    Call { component: String, cause: String },
    /// 504 `app-timeout`.
    #[error("the component `{component}` did not respond within {seconds} s")]
    Timeout { component: String, seconds: u64 },
}

impl ForwardError {
    /// Returns the document for the client.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Target => Problem::new(400, "target-not-passable", "The target is not a path")
                .detail(self.to_string()),
            Self::Headers => Problem::new(431, "headers-too-large", "The headers are too large")
                .detail(self.to_string()),
            Self::Call { .. } => Problem::new(502, "app-unreachable", "The app is unreachable"),
            Self::Timeout { .. } => Problem::new(504, "app-timeout", "The app timed out"),
        }
    }

    /// Returns the response for the client.
    pub fn response(&self) -> Response {
        Response::problem(&self.problem())
    }
}
