//! Requests to the probe.

use std::str::FromStr;

use spin_sdk::http::IncomingRequest;
use wasi::io::streams::{InputStream, StreamError};

/// The error of an invalid request, for a response with 400.
pub type Usage = String;

pub struct Call {
    pub request: IncomingRequest,
    pub operation: String,
    query: Vec<(String, String)>,
}

impl Call {
    pub fn new(request: IncomingRequest) -> Self {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        Self {
            operation: operation(&request, path),
            query,
            request,
        }
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut matching = self.query.iter().filter(|(key, _)| key == name);
        matching.next().map(|(_, value)| value.as_str())
    }

    pub fn required(&self, name: &str) -> Result<&str, Usage> {
        self.parameter(name)
            .ok_or_else(|| format!("the query has no `{name}`"))
    }

    pub fn optional_number<T: FromStr>(&self, name: &str) -> Result<Option<T>, Usage> {
        let value = self.parameter(name).map(|text| {
            text.parse()
                .map_err(|_| format!("`{text}` is not a number for `{name}`"))
        });
        value.transpose()
    }

    pub fn number<T: FromStr>(&self, name: &str) -> Result<T, Usage> {
        self.optional_number(name)?
            .ok_or_else(|| format!("the query has no `{name}`"))
    }

    /// Returns every `header=Name:Value` of the query.
    pub fn headers(&self) -> Result<Vec<(String, Vec<u8>)>, Usage> {
        let headers = self.query.iter().filter(|(key, _)| key == "header");
        headers
            .map(|(_, header)| {
                let (name, value) = header
                    .split_once(':')
                    .ok_or_else(|| format!("`{header}` has no colon"))?;
                Ok((name.to_owned(), value.as_bytes().to_vec()))
            })
            .collect()
    }

    pub fn body(&self) -> Result<Vec<u8>, Usage> {
        let body = self.request.consume().map_err(|()| "no body")?;
        let stream = body.stream().map_err(|()| "no body stream")?;
        read_all(&stream).map_err(|error| format!("the body: {error}"))
    }

    pub fn body_text(&self) -> Result<String, Usage> {
        String::from_utf8(self.body()?).map_err(|error| error.to_string())
    }
}

fn operation(request: &IncomingRequest, path: &str) -> String {
    let info = request.headers().get("spin-path-info");
    match info.first() {
        None => path.to_owned(),
        Some(info) if info.is_empty() => "/echo".to_owned(),
        Some(info) => String::from_utf8_lossy(info).into_owned(),
    }
}

pub fn read_all(stream: &InputStream) -> Result<Vec<u8>, StreamError> {
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(64 * 1024) {
            Ok(chunk) => bytes.extend(chunk),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(error) => return Err(error),
        }
    }
}
