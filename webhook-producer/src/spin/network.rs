//! Outgoing HTTP through `wasi:http`.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use wasi::http::outgoing_handler;
use wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, RequestOptions, Scheme,
};
use wasi::io::streams::{OutputStream, StreamError};

use super::{Spin, wait};
use crate::platform::{self, CallError, Clock, Log, Network, Outgoing, Phase};

/// The limits for reading a response body. Reading a short one to its end avoids an error at the
/// consumer and lets the connection be reused; longer ones are not worth the wait.
const DRAINED_BYTES: u64 = 64 * 1024;
const DRAINED_FOR: Duration = Duration::from_millis(100);

impl Network for Spin {
    async fn send(&self, outgoing: Outgoing, timeout: Duration) -> Result<u16, CallError> {
        let unusable = || CallError::new(Phase::Plan, "the request is invalid");
        let request = build(&outgoing).ok_or_else(unusable)?;
        let body = request.body().map_err(|()| unusable())?;
        let options = options(timeout);
        let response = outgoing_handler::handle(request, Some(options))
            .map_err(|code| self.explain(&code, timeout))?;
        // A consumer may respond before it has read the whole body. If sending fails, the error of the
        // response says more than the error of the stream.
        let send = pin!(send(body, &outgoing.body));
        let head = pin!(head(&response));
        let response = match select(send, head).await {
            Either::Left(((), head)) => head.await,
            Either::Right((response, _)) => response,
        };
        let response = response.map_err(|code| self.explain(&code, timeout))?;
        let status = response.status();
        let limit = pin!(self.sleep_until(self.now() + DRAINED_FOR));
        select(pin!(drain(response)), limit).await;
        Ok(status)
    }
}

fn build(outgoing: &Outgoing) -> Option<OutgoingRequest> {
    let headers = Fields::new();
    for (name, value) in &outgoing.headers {
        let value = value.as_bytes().to_vec();
        headers.append(name, &value).ok()?;
    }
    let length = outgoing.body.len().to_string().into_bytes();
    headers.append(&"content-length".to_owned(), &length).ok()?;
    let scheme = match outgoing.url.scheme() {
        "http" => Scheme::Http,
        _ => Scheme::Https,
    };
    let target = &outgoing.url[url::Position::BeforePath..url::Position::AfterQuery];
    let request = OutgoingRequest::new(headers);
    request.set_method(&method(outgoing.method)).ok()?;
    request.set_scheme(Some(&scheme)).ok()?;
    request.set_authority(Some(outgoing.url.authority())).ok()?;
    request.set_path_with_query(Some(target)).ok()?;
    Some(request)
}

fn method(method: platform::Method) -> Method {
    match method {
        platform::Method::Post => Method::Post,
        platform::Method::Put => Method::Put,
        platform::Method::Patch => Method::Patch,
        platform::Method::Delete => Method::Delete,
    }
}

/// Sets the runtime's own time limits. Those that it does not support are left to the caller's
/// deadline.
fn options(timeout: Duration) -> RequestOptions {
    let timeout = u64::try_from(timeout.as_nanos()).ok();
    let options = RequestOptions::new();
    let _ = options.set_connect_timeout(timeout);
    let _ = options.set_first_byte_timeout(timeout);
    let _ = options.set_between_bytes_timeout(timeout);
    options
}

async fn send(body: OutgoingBody, bytes: &[u8]) {
    let written = match body.write() {
        Ok(stream) => write_all(&stream, bytes).await.is_ok(),
        Err(()) => false,
    };
    if written {
        // Only a complete body may be finished.
        let _ = OutgoingBody::finish(body, None);
    }
}

async fn write_all(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let room = || match stream.check_write() {
            Ok(0) => None,
            other => Some(other),
        };
        let room = wait::until(room, || stream.subscribe()).await?;
        let size = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        let (chunk, rest) = bytes.split_at(size);
        stream.write(chunk)?;
        bytes = rest;
    }
    stream.flush()
}

async fn head(response: &FutureIncomingResponse) -> Result<IncomingResponse, ErrorCode> {
    match wait::until(|| response.get(), || response.subscribe()).await {
        Ok(response) => response,
        Err(()) => Err(ErrorCode::InternalError(None)),
    }
}

async fn drain(response: IncomingResponse) {
    let Ok(body) = response.consume() else { return };
    let Ok(stream) = body.stream() else { return };
    let mut left = DRAINED_BYTES;
    while left > 0 {
        let read = || match stream.read(left) {
            Ok(chunk) if chunk.is_empty() => None,
            other => Some(other),
        };
        match wait::until(read, || stream.subscribe()).await {
            Ok(chunk) => left = left.saturating_sub(chunk.len() as u64),
            Err(_) => return,
        }
    }
}

impl Spin {
    /// Converts an error. One without a known reason is logged.
    fn explain(&self, code: &ErrorCode, timeout: Duration) -> CallError {
        let (phase, reason) = match code {
            ErrorCode::ConnectionTimeout
            | ErrorCode::ConnectionReadTimeout
            | ErrorCode::ConnectionWriteTimeout
            | ErrorCode::HttpResponseTimeout => {
                let reason = format!("no response within {} ms", timeout.as_millis());
                return CallError::new(Phase::Timeout, reason);
            }
            code => known(code).unwrap_or_else(|| {
                self.log(&format!("PRODUCER: A call failed: {code:?}"));
                (Phase::Respond, "there was no valid response")
            }),
        };
        CallError::new(phase, reason)
    }
}

/// Returns the phase and the reason of an error code.
fn known(code: &ErrorCode) -> Option<(Phase, &'static str)> {
    Some(match code {
        ErrorCode::HttpRequestDenied => (
            Phase::Plan,
            "the host is not among the app's `allowed_outbound_hosts`",
        ),
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => {
            (Phase::Address, "the host has no address")
        }
        ErrorCode::DestinationIpProhibited => {
            (Phase::Address, "the runtime blocks the host's address")
        }
        ErrorCode::DestinationUnavailable | ErrorCode::DestinationIpUnroutable => {
            (Phase::Connect, "the host cannot be reached")
        }
        ErrorCode::ConnectionRefused => (Phase::Connect, "connection refused"),
        ErrorCode::ConnectionLimitReached => (
            Phase::Connect,
            "the runtime's limit of connections is reached",
        ),
        ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_) => (Phase::Connect, "TLS failed"),
        ErrorCode::HttpRequestUriInvalid | ErrorCode::HttpRequestUriTooLong => {
            (Phase::Send, "the runtime refused the URL")
        }
        ErrorCode::ConnectionTerminated
        | ErrorCode::HttpResponseIncomplete
        | ErrorCode::HttpProtocolError => (
            Phase::Respond,
            "the connection was closed, or the response was not HTTP",
        ),
        _ => return None,
    })
}
