//! A small HTTP client: one connection per request, no redirects, no additional headers.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::with_timeout;

/// The error of a request without a complete response.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// A request to send.
///
/// Besides the headers that are set explicitly, only `Host` and `Content-Length` are sent.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    url: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Bytes,
}

impl Request {
    /// Returns a request without headers and body.
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self {
            method: method.to_owned(),
            url: url.into(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// Returns a GET request.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// Returns a POST request.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// Returns a DELETE request.
    pub fn delete(url: impl Into<String>) -> Self {
        Self::new("DELETE", url)
    }

    /// Adds a header. Earlier headers with the same name stay.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the body and `Content-Type: application/json`.
    pub fn json(self, body: impl Into<Bytes>) -> Self {
        self.header("content-type", "application/json").body(body)
    }

    /// Sends the request and reads the whole response.
    ///
    /// # Panics
    ///
    /// There is no response, or it is incomplete.
    pub async fn send(self) -> Reply {
        let (method, url) = (self.method.clone(), self.url.clone());
        let reply = self.try_send().await;
        reply.unwrap_or_else(|error| panic!("{method} {url}: {error}"))
    }

    /// Sends the request like [`Request::send`].
    ///
    /// # Errors
    ///
    /// There is no response, or it is incomplete.
    pub async fn try_send(self) -> Result<Reply, Error> {
        let url = self.url.clone();
        let whole = async { self.open().await?.read().await };
        with_timeout(whole, || format!("the response of {url}")).await
    }

    /// Sends the request and reads the head of the response.
    ///
    /// # Errors
    ///
    /// There is no response.
    pub async fn open(self) -> Result<Response, Error> {
        let uri: Uri = self.url.parse()?;
        let authority = uri.authority().ok_or("the URL has no host")?.clone();
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let mut request = http::Request::builder()
            .method(self.method.as_str())
            .uri(target)
            .header("host", authority.as_str());
        for (name, value) in &self.headers {
            request = request.header(name, value.as_slice());
        }
        let request = request.body(Full::new(self.body))?;
        let stream = TcpStream::connect(authority.as_str()).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let (head, body) = sender.send_request(request).await?.into_parts();
        Ok(Response {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    }
}

/// A response whose body is not read yet.
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    body: Incoming,
}

impl Response {
    /// Returns the next bytes of the body, or `None` at its end.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        loop {
            match self.body.frame().await? {
                Ok(frame) => match frame.into_data() {
                    Ok(data) => return Some(Ok(data)),
                    Err(_trailers) => continue,
                },
                Err(error) => return Some(Err(error.into())),
            }
        }
    }

    /// Reads the rest of the body.
    ///
    /// # Errors
    ///
    /// The body is incomplete.
    pub async fn read(mut self) -> Result<Reply, Error> {
        let mut body = Vec::new();
        while let Some(bytes) = self.next().await {
            body.extend_from_slice(&bytes?);
        }
        Ok(Reply {
            status: self.status,
            headers: self.headers,
            body,
        })
    }
}

/// A complete response.
#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    /// Returns the body as text, with replacement characters for invalid UTF-8.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    ///
    /// The body is not JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Returns the value of a header.
    ///
    /// # Panics
    ///
    /// The header occurs more than once, or is not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        assert!(
            values.next().is_none(),
            "`{name}` is there twice in {self:?}"
        );
        Some(value.to_str().expect("a header of text"))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.status, self.headers, self.text())
    }
}
