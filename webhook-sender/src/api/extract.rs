//! Extractors for handlers, whose errors are problem documents.

use std::convert::Infallible;
use std::error::Error;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{CONTENT_TYPE, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use problem_details::Problem;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use webhook_model::{DeliveryId, EndpointId, Source, TenantId};

use super::error::ApiError;
use super::server::Stalled;

/// A JSON body. The content type must be JSON: a page in a browser cannot send that to another origin
/// without a preflight request, which protects an API without a token on loopback.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let JsonBytes(body) = JsonBytes::from_request(request, state).await?;
        object(&body).map(Self)
    }
}

/// Parses a body, or a part of one, that must be a JSON object. A list is rejected, because serde would map
/// its elements to the fields in the order of the code.
pub fn object<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, ApiError> {
    let refused = |detail: String| ApiError::bad_request("bad-body", detail);
    match body.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(body).map_err(|error| refused(error.to_string())),
        Some(_) => Err(refused("the body is not a JSON object".into())),
        None => Err(refused("the body is empty".into())),
    }
}

/// A JSON body, or none: an empty body needs no content type.
pub struct OptionalJson<T>(pub Option<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let typed = require_json(request.headers());
        let body = Bytes::from_request(request, state).await.map_err(unread)?;
        if body.is_empty() {
            return Ok(Self(None));
        }
        typed?;
        object(&body).map(|body| Self(Some(body)))
    }
}

/// The bytes of a JSON body, or none: an empty body needs no content type.
pub struct OptionalJsonBytes(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for OptionalJsonBytes {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let typed = require_json(request.headers());
        let body = Bytes::from_request(request, state).await.map_err(unread)?;
        if !body.is_empty() {
            typed?;
        }
        Ok(Self(body))
    }
}

/// The bytes of a JSON body, for handlers that keep parts of them unchanged.
pub struct JsonBytes(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBytes {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        require_json(request.headers())?;
        let body = Bytes::from_request(request, state).await.map_err(unread)?;
        Ok(Self(body))
    }
}

/// The start of the `User-Agent` of the command line.
pub const CLI_AGENT: &str = "webhook-sender-cli/";

/// The source of an event that is published by a request.
pub struct Publisher(pub Source);

impl<S: Send + Sync> FromRequestParts<S> for Publisher {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let agent = parts.headers.get(USER_AGENT).map(|agent| agent.as_bytes());
        let is_cli = agent.is_some_and(|agent| agent.starts_with(CLI_AGENT.as_bytes()));
        Ok(Self(if is_cli { Source::CLI } else { Source::API }))
    }
}

/// A query string.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|error| ApiError::bad_request("bad-query", error.body_text()))
    }
}

/// The names in a path. An invalid name is 404, because no resource can have it.
pub struct Path<T>(pub T);

impl<T: FromPath, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = axum::extract::Path::<T::Texts>::from_request_parts(parts, state).await;
        let axum::extract::Path(texts) =
            path.map_err(|error| ApiError::bad_request("bad-path", error.body_text()))?;
        T::from_texts(texts).map(Self)
    }
}

/// A type that can be parsed from a path.
pub trait FromPath: Sized {
    /// The raw segments of the path.
    type Texts: DeserializeOwned + Send;
    /// Parses the segments.
    ///
    /// # Errors
    ///
    /// Returns 404 for an invalid name.
    fn from_texts(texts: Self::Texts) -> Result<Self, ApiError>;
}

impl FromPath for TenantId {
    type Texts = String;
    fn from_texts(text: String) -> Result<Self, ApiError> {
        Self::parse(&text).map_err(|_| ApiError::not_found("tenant", text))
    }
}

impl FromPath for (TenantId, EndpointId) {
    type Texts = (String, String);
    fn from_texts((tenant, id): (String, String)) -> Result<Self, ApiError> {
        let tenant = TenantId::from_texts(tenant)?;
        let id = EndpointId::parse(&id).map_err(|_| ApiError::not_found("endpoint", id))?;
        Ok((tenant, id))
    }
}

impl FromPath for (TenantId, DeliveryId) {
    type Texts = (String, String);
    fn from_texts((tenant, id): (String, String)) -> Result<Self, ApiError> {
        let tenant = TenantId::from_texts(tenant)?;
        let id = DeliveryId::parse(&id).map_err(|_| ApiError::not_found("delivery", id))?;
        Ok((tenant, id))
    }
}

/// The id of an event, or of a dead letter, which may be any text.
impl FromPath for (TenantId, String) {
    type Texts = (String, String);
    fn from_texts((tenant, id): (String, String)) -> Result<Self, ApiError> {
        Ok((TenantId::from_texts(tenant)?, id))
    }
}

impl FromPath for String {
    type Texts = Self;
    fn from_texts(text: Self) -> Result<Self, ApiError> {
        Ok(text)
    }
}

fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let given = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    let given = given.unwrap_or_default();
    let essence = given.split(|byte| *byte == b';').next().unwrap_or_default();
    if essence
        .trim_ascii()
        .eq_ignore_ascii_case(b"application/json")
    {
        return Ok(());
    }
    let shown = String::from_utf8_lossy(given);
    Err(
        Problem::new(415, "not-json", "The body must be sent as application/json")
            .detail(format!("content type `{shown}`"))
            .into(),
    )
}

fn unread(rejection: BytesRejection) -> ApiError {
    if is_stalled(&rejection) {
        let title = "The body was not received in time";
        return ApiError::from(Problem::new(408, "body-timeout", title)).closing();
    }
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(413, "too-large", "The body is too large").into()
        }
        _ => ApiError::bad_request("bad-body", rejection.body_text()),
    }
}

/// Returns `true` if the client was too slow, which is one of the sources of the error.
fn is_stalled(rejection: &BytesRejection) -> bool {
    let mut error: Option<&dyn Error> = Some(rejection);
    while let Some(current) = error {
        if current.is::<Stalled>() {
            return true;
        }
        error = current.source();
    }
    false
}
