//! Responses that the layer sends instead of calling the handler.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use problem_details::Problem;

use crate::Refusal;

/// The `Retry-After` for an id that is being processed, and for an unavailable store, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// The reason why the handler is not called.
pub(crate) enum EarlyResponse {
    Refused {
        refusal: Refusal,
        /// The sender's likely mistake.
        hint: Option<&'static str>,
    },
    BodyTooLong {
        max: usize,
    },
    BodyBrokenOff,
    InProgress,
    Done,
    Unavailable,
}

impl EarlyResponse {
    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let Some(problem) = self.problem() else {
            return Response::new(Full::default());
        };
        let mut response = Response::new(Full::from(problem.to_json()));
        let status = StatusCode::from_u16(problem.status());
        *response.status_mut() = status.unwrap_or(StatusCode::BAD_REQUEST);
        let headers = response.headers_mut();
        let media_type = HeaderValue::from_static(problem_details::CONTENT_TYPE);
        headers.insert(header::CONTENT_TYPE, media_type);
        if matches!(self, Self::InProgress | Self::Unavailable) {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        response
    }

    /// Returns the problem document, if the response has one.
    fn problem(&self) -> Option<Problem> {
        Some(match self {
            Self::Refused { refusal, hint } => {
                let hint = hint.map(|hint| std::format!(": {hint}"));
                let detail = std::format!("{refusal}{}", hint.unwrap_or_default());
                Problem::new(400, refusal.code(), title(*refusal)).detail(detail)
            }
            Self::BodyTooLong { max } => Problem::new(413, "body-too-long", "The body is too long")
                .detail(std::format!("at most {max} bytes are accepted")),
            Self::BodyBrokenOff => Problem::new(400, "body-broken-off", "The body is incomplete"),
            Self::InProgress => Problem::new(
                409,
                "in-progress",
                "A request with this id is being processed",
            ),
            Self::Unavailable => {
                Problem::new(503, "unavailable", "The deduplication store is unavailable")
            }
            Self::Done => return None,
        })
    }
}

fn title(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::MissingHeader(_) => "A signature header is missing",
        Refusal::MalformedHeader { .. } => "A signature header is malformed",
        Refusal::UnknownScheme(_) => "The signature is of an unknown scheme",
        Refusal::TooOld => "The signature is too old",
        Refusal::TooNew => "The signature is dated in the future",
        Refusal::NoMatch => "The signature does not match",
    }
}
