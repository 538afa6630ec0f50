//! A client of the API of a running sender.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use webhook_client::client_config;

use super::output::text;
use crate::api::CLI_AGENT;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A client of one sender. Clones share their connections.
#[derive(Clone)]
pub struct ApiClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// The base URL, without a trailing slash.
    base: String,
    authorization: Option<HeaderValue>,
}

impl ApiClient {
    /// Creates a client.
    ///
    /// # Errors
    ///
    /// Fails if `base` is no http or https URL, or if the token is not a valid header value.
    pub fn new(base: &str, token: Option<&str>) -> Result<Self> {
        let base = base.trim_end_matches('/');
        let scheme = base
            .parse::<Uri>()
            .ok()
            .and_then(|uri| uri.scheme_str().map(str::to_owned));
        let connector = HttpsConnectorBuilder::new();
        let connector = match scheme.as_deref() {
            Some("https") => connector.with_tls_config(client_config(&[])?),
            Some("http") => connector.with_webpki_roots(),
            _ => bail!("api url `{base}` is neither http nor https"),
        };
        let connector = connector.https_or_http().enable_http1().build();
        let bearer = |token: &str| {
            webhook_signature::check_text(token)?;
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))?;
            value.set_sensitive(true);
            anyhow::Ok(value)
        };
        let authorization = token.filter(|token| !token.is_empty()).map(bearer);
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            base: base.into(),
            authorization: authorization
                .transpose()
                .context("--token or SENDER_TOKEN")?,
        })
    }

    /// Sends `GET path`.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.send(Method::GET, path, None).await
    }

    /// Sends `GET path`, and returns the body byte for byte.
    pub async fn get_bytes(&self, path: &str) -> Result<Bytes> {
        self.request(Method::GET, path, None).await
    }

    /// Sends `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(Method::POST, path, Some(body.to_string())).await
    }

    /// Sends `POST path` with JSON text, byte for byte.
    pub async fn post_text(&self, path: &str, body: String) -> Result<Value> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Sends `PUT path`.
    pub async fn put(&self, path: &str) -> Result<Value> {
        self.send(Method::PUT, path, None).await
    }

    /// Sends `PATCH path` with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(Method::PATCH, path, Some(body.to_string())).await
    }

    /// Sends `DELETE path`.
    pub async fn delete(&self, path: &str) -> Result<Value> {
        self.send(Method::DELETE, path, None).await
    }

    /// Sends `GET path`, whose response does not end.
    pub async fn follow(&self, path: &str) -> Result<Follow> {
        let response = self.respond(Method::GET, path, None).await?;
        match response.status().is_success() {
            true => Ok(Follow(response.into_body())),
            false => match self.body_of(response).await {
                Err(error) => Err(error),
                Ok(_) => bail!("the sender rejected the request"),
            },
        }
    }

    async fn send(&self, method: Method, path: &str, body: Option<String>) -> Result<Value> {
        let body = self.request(method, path, body).await?;
        // An empty body is not JSON either.
        Ok(serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Returns the body of a successful response.
    async fn request(&self, method: Method, path: &str, body: Option<String>) -> Result<Bytes> {
        let response = self.respond(method, path, body).await?;
        self.body_of(response).await
    }

    /// Sends a request, and returns the head of the response.
    async fn respond(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Response<Incoming>> {
        let mut request = Request::builder()
            .method(method)
            .header(USER_AGENT, format!("{CLI_AGENT}{VERSION}"))
            .uri(format!("{}{path}", self.base));
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Full::from(body.unwrap_or_default()))?;
        let response = self.client.request(request).await;
        response
            .map_err(described)
            .with_context(|| self.unreachable())
    }

    /// Reads the body of a response. Fails for a response that is no success.
    async fn body_of(&self, response: Response<Incoming>) -> Result<Bytes> {
        let status = response.status();
        let body = response.into_body().collect().await;
        let body = body.with_context(|| self.unreachable())?.to_bytes();
        if !status.is_success() {
            let problem = serde_json::from_slice(&body).unwrap_or(Value::Null);
            bail!("{}", problem_line(status.as_u16(), &problem));
        }
        Ok(body)
    }

    fn unreachable(&self) -> String {
        format!("no response from the sender at `{}`", self.base)
    }
}

/// The body of a response that does not end.
pub struct Follow(Incoming);

impl Follow {
    /// Waits for the next part of the body. Returns `None` at its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        while let Some(frame) = self.0.frame().await {
            let frame = frame.context("the connection to the sender is lost")?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

/// Replaces an error of certificate verification by its description.
fn described(error: hyper_util::client::legacy::Error) -> anyhow::Error {
    match tls_trust::find(&error) {
        Some(text) => anyhow::Error::msg(text),
        None => error.into(),
    }
}

/// Formats a problem document in one line.
fn problem_line(status: u16, problem: &Value) -> String {
    let part = |name: &str| Some(text(problem, name)).filter(|text| !text.is_empty());
    let title = part("title").unwrap_or_else(|| "the sender rejected the request".into());
    match part("detail") {
        Some(detail) => format!("{title} ({status}): {detail}"),
        None => format!("{title} ({status})"),
    }
}

/// Percent-encodes a segment of a path.
pub fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

/// Returns a query string of the parameters that have a value.
pub fn query(parameters: &[(&str, Option<String>)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() {
        query
    } else {
        format!("?{query}")
    }
}
