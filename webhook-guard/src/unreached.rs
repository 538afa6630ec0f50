//! Why an accepted request did not reach the app, or the app gave no answer.

use problem_details::Problem;
use webhook_receiver::Answer;

/// A reason; what is told of it to outsiders is the kind alone.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreached {
    /// 400 `target-not-passable`: `OPTIONS *` and the like have no path to call the app with.
    #[error("the target of the request is no path")]
    Target,
    /// 431 `headers-too-large`: the runtime takes so much from a client and not from a component.
    #[error("the headers are more than one component may send another")]
    Headers,
    /// 502 `app-unreachable`, with the platform's own words for the log.
    #[error("the component `{component}` cannot be called: {cause}")]
    Call { component: String, cause: String },
    /// 504 `app-timeout`.
    #[error("the component `{component}` did not begin to answer within {seconds} s")]
    Late { component: String, seconds: u64 },
}

impl Unreached {
    /// The document for the client.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Target => Problem::new(400, "target-not-passable", "The target is no path")
                .detail(self.to_string()),
            Self::Headers => Problem::new(431, "headers-too-large", "The headers are too large")
                .detail(self.to_string()),
            Self::Call { .. } => {
                Problem::new(502, "app-unreachable", "The app behind cannot be reached")
            }
            Self::Late { .. } => Problem::new(
                504,
                "app-timeout",
                "The app behind takes too long to answer",
            ),
        }
    }

    /// The answer for the client.
    pub fn answer(&self) -> Answer {
        Answer::problem(&self.problem())
    }
}
