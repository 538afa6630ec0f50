//! Calls the routes of the API inside the process, on behalf of a visitor.
//!
//! Pages read and change nothing in another way. Therefore roles, tenants, limits and the audit list
//! apply to them as to any other client.

use axum::Router;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{Method, Request};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower_service::Service;

use super::error::PageError;
use super::gate::Visitor;
use super::link::Link;
use super::wire::Problem;

/// The most bytes of a response: a page of rejected events has about 8 MiB, and a larger event comes
/// alone.
const MAX_RESPONSE: usize = 80 << 20;

/// The routes of the API.
#[derive(Clone)]
pub struct Backend(Router);

impl Backend {
    pub fn new(api: Router) -> Self {
        Self(api)
    }

    /// Returns the resource at a path.
    ///
    /// # Errors
    ///
    /// Fails if the API responds with an error, which is the [`PageError`].
    pub async fn get<T: DeserializeOwned>(
        &self,
        visitor: &Visitor,
        path: Link,
    ) -> Result<T, PageError> {
        let body = self.bytes(visitor, Method::GET, path, None).await?;
        parsed(&body)
    }

    /// Sends JSON to a path, or nothing for `null`, and returns the JSON of the response.
    ///
    /// # Errors
    ///
    /// Fails if the API responds with an error, which is the [`PageError`].
    pub async fn send<T: DeserializeOwned>(
        &self,
        visitor: &Visitor,
        method: Method,
        path: Link,
        body: Value,
    ) -> Result<T, PageError> {
        let body = (!body.is_null()).then(|| body.to_string());
        let body = self.bytes(visitor, method, path, body).await?;
        // A response without content is `null`.
        parsed(if body.is_empty() { b"null" } else { &body })
    }

    /// Posts JSON text byte for byte, and returns the JSON of the response.
    ///
    /// # Errors
    ///
    /// Fails if the API responds with an error, which is the [`PageError`].
    pub async fn post_text<T: DeserializeOwned>(
        &self,
        visitor: &Visitor,
        path: Link,
        body: String,
    ) -> Result<T, PageError> {
        let body = self.bytes(visitor, Method::POST, path, Some(body)).await?;
        parsed(&body)
    }

    /// Returns the body of the response.
    ///
    /// # Errors
    ///
    /// Fails if the API responds with an error, which is the [`PageError`].
    pub async fn bytes(
        &self,
        visitor: &Visitor,
        method: Method,
        path: Link,
        body: Option<String>,
    ) -> Result<Bytes, PageError> {
        let response = self.call(visitor, method, path, body).await?;
        let body = Limited::new(response.into_body(), MAX_RESPONSE);
        let body = body.collect().await.map_err(PageError::unreadable)?;
        Ok(body.to_bytes())
    }

    /// Returns the response, whose body may be endless.
    ///
    /// # Errors
    ///
    /// Fails if the API responds with an error, which is the [`PageError`].
    pub async fn call(
        &self,
        visitor: &Visitor,
        method: Method,
        path: Link,
        body: Option<String>,
    ) -> Result<Response, PageError> {
        let request = request(visitor, method, &path, body).map_err(PageError::unreadable)?;
        let response = self.0.clone().call(request).await;
        let response = response.unwrap_or_else(|never| match never {});
        if response.status().is_success() {
            return Ok(response);
        }
        Err(page_error(response).await)
    }
}

/// Returns the error of a response of the API.
pub async fn page_error(response: Response) -> PageError {
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_RESPONSE);
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return PageError::unreadable(error),
    };
    let problem: Option<Problem> = serde_json::from_slice(&body).ok();
    PageError::of_api(status, problem)
}

fn request(
    visitor: &Visitor,
    method: Method,
    path: &Link,
    body: Option<String>,
) -> Result<Request<Body>, axum::http::Error> {
    let mut request = Request::builder().method(method).uri(path.as_str());
    if let Some(host) = &visitor.host {
        request = request.header(HOST, host);
    }
    let mut request = match body {
        None => request.body(Body::empty()),
        Some(body) => request
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body)),
    }?;
    visitor.admit(request.extensions_mut());
    Ok(request)
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, PageError> {
    serde_json::from_slice(body).map_err(PageError::unreadable)
}
