//! Outbound requests with the raw `wasi:http/outgoing-handler`, which preserves the error code of the
//! host.

use serde_json::{Value, json};
use wasi::http::outgoing_handler;
use wasi::http::types::{
    ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions,
    Scheme, http_error_code,
};
use wasi::io::streams::StreamError;

use crate::call::{Call, Usage, read_all};
use crate::reply::{Outcome, Reply, show_body, write_all};
use crate::variant;

/// An error of the host, and the phase of the request.
struct Failure {
    phase: &'static str,
    error: Value,
}

pub fn reply(call: &Call) -> Outcome {
    let request = request(call)?;
    let options = options(call)?;
    Ok(match exchange(request, options, &call.body()?) {
        Ok(response) => Reply::ok(response),
        Err(Failure { phase, mut error }) => {
            error["phase"] = phase.into();
            Reply::json(&error)
        }
    })
}

fn request(call: &Call) -> Result<OutgoingRequest, Usage> {
    let url = call.required("url")?;
    let headers = Fields::from_list(&call.headers()?).map_err(|error| format!("{error:?}"))?;
    let request = OutgoingRequest::new(headers);
    let target = match url.split_once("://") {
        None => url,
        Some((scheme, rest)) => set_server(&request, scheme, rest)?,
    };
    request
        .set_path_with_query(Some(target))
        .map_err(|()| format!("`{target}` is no path"))?;
    let method = method(call.parameter("method").unwrap_or("GET"));
    request
        .set_method(&method)
        .map_err(|()| format!("`{method:?}` is no method"))?;
    Ok(request)
}

/// Sets the scheme and the authority, and returns the path and query.
fn set_server<'a>(
    request: &OutgoingRequest,
    scheme: &str,
    rest: &'a str,
) -> Result<&'a str, Usage> {
    let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    request
        .set_scheme(Some(&scheme))
        .map_err(|()| format!("`{scheme:?}` is no scheme"))?;
    request
        .set_authority(Some(authority))
        .map_err(|()| format!("`{authority}` is no authority"))?;
    Ok(if target.is_empty() { "/" } else { target })
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "OPTIONS" => Method::Options,
        "TRACE" => Method::Trace,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

/// Reads the timeouts: `timeout_ms` for every phase, or `connect_ms`, `first_byte_ms` and
/// `between_bytes_ms`. Returns `None` if the query has none of them.
fn options(call: &Call) -> Result<Option<RequestOptions>, Usage> {
    type Set = fn(&RequestOptions, Option<u64>) -> Result<(), ()>;
    let settings: [(&str, Set); 3] = [
        ("connect_ms", RequestOptions::set_connect_timeout),
        ("first_byte_ms", RequestOptions::set_first_byte_timeout),
        (
            "between_bytes_ms",
            RequestOptions::set_between_bytes_timeout,
        ),
    ];
    let common: Option<u64> = call.optional_number("timeout_ms")?;
    let mut options = None;
    for (name, set) in settings {
        if let Some(milliseconds) = call.optional_number::<u64>(name)?.or(common) {
            let options = options.get_or_insert_with(RequestOptions::new);
            set(options, Some(milliseconds * 1_000_000))
                .map_err(|()| format!("the host does not take `{name}`"))?;
        }
    }
    Ok(options)
}

fn exchange(
    request: OutgoingRequest,
    options: Option<RequestOptions>,
    body: &[u8],
) -> Result<Value, Failure> {
    let outgoing = request.body().map_err(|()| refused("request"))?;
    let future = outgoing_handler::handle(request, options).map_err(coded("handle"))?;
    send_body(outgoing, body)?;
    future.subscribe().block();
    let response = future
        .get()
        .and_then(Result::ok)
        .ok_or_else(|| refused("response"))?
        .map_err(coded("response"))?;
    describe(&response)
}

fn send_body(outgoing: OutgoingBody, bytes: &[u8]) -> Result<(), Failure> {
    if !bytes.is_empty() {
        let stream = outgoing.write().map_err(|()| refused("request-body"))?;
        // The response, or the error in its place, reports why sending ended early.
        let _ = write_all(&stream, bytes);
    }
    match OutgoingBody::finish(outgoing, None) {
        Ok(()) => Ok(()),
        // A server may respond before it has the whole body.
        Err(_) if !bytes.is_empty() => Ok(()),
        Err(code) => Err(coded("request-body")(code)),
    }
}

/// Returns the status, the headers and the body of a response.
fn describe(response: &IncomingResponse) -> Result<Value, Failure> {
    let headers: Vec<(String, String)> = response
        .headers()
        .entries()
        .into_iter()
        .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
        .collect();
    let body = response.consume().map_err(|()| refused("response-body"))?;
    let stream = body.stream().map_err(|()| refused("response-body"))?;
    let bytes = read_all(&stream).map_err(read_failure)?;
    let head = json!({ "status": response.status(), "headers": headers });
    Ok(show_body(head, &bytes))
}

fn read_failure(error: StreamError) -> Failure {
    let phase = "response-body";
    let StreamError::LastOperationFailed(error) = error else {
        return refused(phase);
    };
    match http_error_code(&error) {
        Some(code) => coded(phase)(code),
        None => Failure {
            phase,
            error: variant::error("io", Some(&error.to_debug_string())),
        },
    }
}

fn coded(phase: &'static str) -> impl Fn(ErrorCode) -> Failure {
    move |code| {
        let debug = format!("{code:?}");
        Failure {
            phase,
            error: variant::error(&variant::name_of(&debug), Some(&debug)),
        }
    }
}

/// Returns the error of a call that failed without a reason.
fn refused(phase: &'static str) -> Failure {
    Failure {
        phase,
        error: variant::error("refused", None),
    }
}
