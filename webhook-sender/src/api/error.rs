//! What callers are told when something cannot be done (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use problem::Problem;

use crate::model::IdError;
use crate::store::StoreError;

/// An answer that says why not.
#[derive(Debug)]
pub struct ApiError(Problem);

impl ApiError {
    /// Nothing there, or nothing that this tenant may see.
    pub fn not_found(what: &str, id: impl std::fmt::Display) -> Self {
        Problem::new(404, "not-found", "There is no such thing")
            .detail(format!("{what} `{id}`"))
            .into()
    }

    /// A body, a query or a path that cannot be read.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Problem::new(400, code, "The request cannot be read")
            .detail(detail)
            .into()
    }

    /// A request that can be read, with values that cannot be taken.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Problem::new(422, "invalid", "A value cannot be taken")
            .detail(detail)
            .into()
    }

    /// The state of things is against it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Problem::new(
            409,
            "conflict",
            "The request is in conflict with what is stored",
        )
        .detail(detail)
        .into()
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<IdError> for ApiError {
    fn from(error: IdError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::UnknownTenant(tenant) => Self::not_found("tenant", tenant),
            StoreError::Conflict { .. } => Self::conflict(error.to_string()),
            StoreError::Cursor(_) => Self::bad_request("bad-cursor", error.to_string()),
            // What broke is for operators; callers learn that it may pass.
            other => {
                tracing::error!(error = %other, "the store failed a request");
                Problem::new(503, "store-unavailable", "The store cannot be reached")
                    .detail("nothing is known of what the request has done; it may be repeated")
                    .into()
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.0.to_json()).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static(problem::CONTENT_TYPE);
        headers.insert(header::CONTENT_TYPE, kind);
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
