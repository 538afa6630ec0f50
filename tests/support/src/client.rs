//! A small HTTP client: one connection a request, nothing followed, nothing added.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::within_patience;

/// What went wrong before an answer was whole.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// A request to send.
///
/// `Host` is the URL's authority and the length is the body's; no other header is there but
/// those that were given.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    url: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Bytes,
}

impl Request {
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self {
            method: method.to_owned(),
            url: url.into(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    pub fn delete(url: impl Into<String>) -> Self {
        Self::new("DELETE", url)
    }

    /// Adds a header, beside others of the same name.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// A body, and the header that says it is JSON.
    pub fn json(self, body: impl Into<Bytes>) -> Self {
        self.header("content-type", "application/json").body(body)
    }

    /// Sends it and reads the whole answer.
    ///
    /// # Panics
    /// Where there is none, or it breaks off.
    pub async fn send(self) -> Reply {
        let (method, url) = (self.method.clone(), self.url.clone());
        let reply = self.try_send().await;
        reply.unwrap_or_else(|error| panic!("{method} {url}: {error}"))
    }

    /// [`Request::send`] for an answer that is allowed to fail.
    pub async fn try_send(self) -> Result<Reply, Error> {
        let url = self.url.clone();
        let whole = async { self.open().await?.read().await };
        within_patience(whole, || format!("the answer of {url}")).await
    }

    /// Sends it and reads the answer's head.
    pub async fn open(self) -> Result<Answering, Error> {
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
        Ok(Answering {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    }
}

/// An answer whose head has come.
pub struct Answering {
    pub status: u16,
    pub headers: HeaderMap,
    body: Incoming,
}

impl Answering {
    /// The next bytes of the body; `None` at its end.
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

    /// The rest of it.
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

/// A whole answer.
#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as text; what is not UTF-8 in it is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The value of a header that is there once.
    ///
    /// # Panics
    /// Where it is there more than once, or is no text.
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
