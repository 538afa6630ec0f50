//! Error responses as problem documents (RFC 9457).

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use problem_details::Problem;
use webhook_model::IdError;
use webhook_store::StoreError;

/// The code of an error response, in its extensions.
#[derive(Clone, Copy, Debug)]
pub struct Code(pub &'static str);

/// An error response.
#[derive(Debug)]
pub struct ApiError {
    problem: Problem,
    retry_after: Option<Duration>,
    closes: bool,
}

impl ApiError {
    /// Returns 404 for a resource that does not exist, or that belongs to another tenant.
    pub fn not_found(what: &str, id: impl std::fmt::Display) -> Self {
        Problem::new(404, "not-found", "Resource not found")
            .detail(format!("{what} `{id}`"))
            .into()
    }

    /// Returns 400 for a body, a query or a path that cannot be parsed.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Problem::new(400, code, "The request is malformed")
            .detail(detail)
            .into()
    }

    /// Returns 422 for a well-formed request with invalid values.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Problem::new(422, "invalid", "A value is invalid")
            .detail(detail)
            .into()
    }

    /// Returns 403 for a key whose role does not have the permission.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Problem::new(403, "forbidden", "The key's role does not allow this")
            .detail(detail)
            .into()
    }

    /// Returns 409 for a request that conflicts with the stored state.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Problem::new(
            409,
            "conflict",
            "The request conflicts with the stored state",
        )
        .detail(detail)
        .into()
    }
}

impl ApiError {
    /// Adds the time after which the request may succeed.
    pub fn retry_after(self, wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            ..self
        }
    }

    /// Closes the connection after the response.
    pub fn closing(self) -> Self {
        Self {
            closes: true,
            ..self
        }
    }

    fn retry_after_seconds(&self) -> Option<u64> {
        let unavailable = (self.problem.status() == 503).then_some(Duration::from_secs(1));
        let wait = self.retry_after.or(unavailable)?;
        Some(
            wait.as_millis()
                .div_ceil(1000)
                .try_into()
                .unwrap_or(u64::MAX),
        )
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            retry_after: None,
            closes: false,
        }
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
            // The detail is for operators; clients learn that a retry may succeed.
            other => {
                tracing::error!(error = %other, "the store failed a request");
                Problem::new(503, "store-unavailable", "The store cannot be reached")
                    .detail("the request may or may not have taken effect; it may be repeated")
                    .into()
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.problem.to_json()).into_response();
        response.extensions_mut().insert(Code(self.problem.code()));
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static(problem_details::CONTENT_TYPE);
        headers.insert(header::CONTENT_TYPE, kind);
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_seconds() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.closes {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
