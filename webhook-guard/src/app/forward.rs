//! The call to the app.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use spin_sdk::http::ResponseOutparam;
use wasi::clocks::monotonic_clock;
use wasi::http::outgoing_handler;
use wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, HeaderError, IncomingResponse, Method,
    OutgoingRequest, RequestOptions, Scheme,
};
use webhook_receiver::dedup::LEASE;

use super::relay::{Rest, relay};
use super::upload::Upload;
use super::wait;
use crate::{ForwardError, ForwardedRequest, ForwardedResponse};

/// The time limit for the head of the app's response. It is shorter than the lease of the event's
/// id: after that, a retry would be forwarded concurrently.
const HEAD_TIMEOUT: Duration = Duration::from_secs(LEASE * 4 / 5);

/// The time limit for the whole call, for the same reason.
const CALL_TIMEOUT: Duration = Duration::from_secs(LEASE * 19 / 20);

/// Sends the request to the app, waits for the head of its response, and relays the response to the
/// client, except for its end. The app may respond before it has read the body: the rest of the body
/// is then sent during the relaying.
pub fn forward(
    forwarded: ForwardedRequest<'_>,
    client: &mut Option<ResponseOutparam>,
) -> Result<ForwardedResponse<Rest>, ForwardError> {
    let deadline = from_now(CALL_TIMEOUT);
    let request = build(&forwarded)?;
    let body = request
        .body()
        .map_err(|()| failed(&forwarded, "the request has no body stream"))?;
    let mut upload =
        Upload::new(body).ok_or_else(|| failed(&forwarded, "the request has no body stream"))?;
    let response = outgoing_handler::handle(request, Some(options()))
        .map_err(|code| failed(&forwarded, &explain(&code)))?;
    let head = spin_executor::run(async {
        let head = pin!(head(&response));
        let upload = pin!(upload.send(forwarded.body));
        match select(upload, head).await {
            Either::Left(((), head)) => head.await,
            Either::Right((head, _)) => head,
        }
    });
    let response = match head {
        Some(Ok(response)) => response,
        Some(Err(code)) => return Err(failed(&forwarded, &explain(&code))),
        None => {
            return Err(ForwardError::Timeout {
                component: forwarded.component.to_owned(),
                seconds: HEAD_TIMEOUT.as_secs(),
            });
        }
    };
    let status = response.status();
    let upload = upload.send(forwarded.body);
    let rest = relay(&response, forwarded.method, upload, deadline, client);
    match rest {
        Some(rest) => Ok(ForwardedResponse {
            status,
            whole: rest.is_whole(),
            rest,
        }),
        None => Err(failed(&forwarded, "its response is incomplete")),
    }
}

fn from_now(time: Duration) -> u64 {
    let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    monotonic_clock::now().saturating_add(time)
}

fn build(forwarded: &ForwardedRequest<'_>) -> Result<OutgoingRequest, ForwardError> {
    let request = OutgoingRequest::new(fields(forwarded)?);
    let authority = format!("{}.spin.internal", forwarded.component);
    request
        .set_method(&method(forwarded.method))
        .and_then(|()| request.set_scheme(Some(&Scheme::Http)))
        .and_then(|()| request.set_authority(Some(&authority)))
        .map_err(|()| failed(forwarded, "invalid component name or method"))?;
    request
        .set_path_with_query(Some(forwarded.target))
        .map_err(|()| ForwardError::Target)?;
    Ok(request)
}

fn fields(forwarded: &ForwardedRequest<'_>) -> Result<Fields, ForwardError> {
    let fields = Fields::new();
    for (name, value) in forwarded.headers {
        match fields.append(name, value) {
            // HTTP forbids forwarding some headers; the runtime has dropped most of them already.
            Ok(()) | Err(HeaderError::Forbidden) => {}
            Err(_) => return Err(failed(forwarded, &format!("invalid header `{name}`"))),
        }
    }
    Ok(fields)
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

/// Sets the runtime's own time limit, which not every runtime has; `head` enforces it for the others.
fn options() -> RequestOptions {
    let timeout = u64::try_from(HEAD_TIMEOUT.as_nanos()).ok();
    let options = RequestOptions::new();
    let _ = options.set_first_byte_timeout(timeout);
    options
}

/// Waits for the head of the response. Returns `None` on a timeout.
async fn head(response: &FutureIncomingResponse) -> Option<Result<IncomingResponse, ErrorCode>> {
    let response = pin!(wait::until(|| response.get(), || response.subscribe()));
    let timeout = pin!(wait::until_instant(from_now(HEAD_TIMEOUT)));
    match select(response, timeout).await {
        Either::Left((head, _)) => Some(head.unwrap_or(Err(ErrorCode::InternalError(None)))),
        Either::Right(((), _)) => None,
    }
}

fn explain(code: &ErrorCode) -> String {
    match code {
        ErrorCode::HttpRequestDenied => {
            "the guard's `allowed_outbound_hosts` has no entry for it".to_owned()
        }
        ErrorCode::DestinationNotFound => "no trigger of the app has this component".to_owned(),
        other => format!("{other:?}"),
    }
}

fn failed(forwarded: &ForwardedRequest<'_>, cause: &str) -> ForwardError {
    ForwardError::Call {
        component: forwarded.component.to_owned(),
        cause: cause.to_owned(),
    }
}
