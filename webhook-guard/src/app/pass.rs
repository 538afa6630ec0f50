//! Calling the app.

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
use webhook_receiver::seen::LEASE;

use super::relay::{Rest, relay};
use super::upload::Upload;
use super::wait;
use crate::{Answered, Passing, Unreached};

/// The longest wait for the head of the app's answer. Short of the time for which the event's id
/// is held: after that a retry would be passed on beside the first.
const PATIENCE: Duration = Duration::from_secs(LEASE * 4 / 5);

/// The longest call, from its start to the end of the response, for the same reason.
const WHOLE_WITHIN: Duration = Duration::from_secs(LEASE * 19 / 20);

/// Sends the request to the app, waits for the head of its answer, and gives the client the answer
/// but for its end. The app may begin to answer before it has read the body: the rest of it is then
/// sent along with the relaying.
pub fn pass(
    passing: Passing<'_>,
    client: &mut Option<ResponseOutparam>,
) -> Result<Answered<Rest>, Unreached> {
    let deadline = from_now(WHOLE_WITHIN);
    let request = build(&passing)?;
    let body = request
        .body()
        .map_err(|()| failed(&passing, "it takes no body"))?;
    let mut upload = Upload::new(body).ok_or_else(|| failed(&passing, "it takes no body"))?;
    let response = outgoing_handler::handle(request, Some(options()))
        .map_err(|code| failed(&passing, &explain(&code)))?;
    let head = spin_executor::run(async {
        let head = pin!(head(&response));
        let upload = pin!(upload.send(passing.body));
        match select(upload, head).await {
            Either::Left(((), head)) => head.await,
            Either::Right((head, _)) => head,
        }
    });
    let response = match head {
        Some(Ok(response)) => response,
        Some(Err(code)) => return Err(failed(&passing, &explain(&code))),
        None => {
            return Err(Unreached::Late {
                component: passing.component.to_owned(),
                seconds: PATIENCE.as_secs(),
            });
        }
    };
    let status = response.status();
    let upload = upload.send(passing.body);
    let rest = relay(&response, passing.method, upload, deadline, client);
    match rest {
        Some(rest) => Ok(Answered {
            status,
            whole: rest.is_whole(),
            rest,
        }),
        None => Err(failed(&passing, "its answer broke off before its end")),
    }
}

fn from_now(time: Duration) -> u64 {
    let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    monotonic_clock::now().saturating_add(time)
}

fn build(passing: &Passing<'_>) -> Result<OutgoingRequest, Unreached> {
    let request = OutgoingRequest::new(fields(passing)?);
    let authority = format!("{}.spin.internal", passing.component);
    request
        .set_method(&method(passing.method))
        .and_then(|()| request.set_scheme(Some(&Scheme::Http)))
        .and_then(|()| request.set_authority(Some(&authority)))
        .map_err(|()| failed(passing, "its name or the method is not accepted"))?;
    request
        .set_path_with_query(Some(passing.target))
        .map_err(|()| Unreached::Target)?;
    Ok(request)
}

fn fields(passing: &Passing<'_>) -> Result<Fields, Unreached> {
    let fields = Fields::new();
    for (name, value) in passing.headers {
        match fields.append(name, value) {
            // What HTTP forbids to pass on; the runtime has dropped most of it before.
            Ok(()) | Err(HeaderError::Forbidden) => {}
            Err(_) => return Err(failed(passing, &format!("it takes no header `{name}`"))),
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

/// The runtime's own limit, for those that have one; the guard's clock is for the others.
fn options() -> RequestOptions {
    let patience = u64::try_from(PATIENCE.as_nanos()).ok();
    let options = RequestOptions::new();
    let _ = options.set_first_byte_timeout(patience);
    options
}

/// None where it does not come in time.
async fn head(response: &FutureIncomingResponse) -> Option<Result<IncomingResponse, ErrorCode>> {
    let answered = pin!(wait::until(|| response.get(), || response.subscribe()));
    let late = pin!(wait::until_instant(from_now(PATIENCE)));
    match select(answered, late).await {
        Either::Left((answer, _)) => Some(answer.unwrap_or(Err(ErrorCode::InternalError(None)))),
        Either::Right(((), _)) => None,
    }
}

fn explain(code: &ErrorCode) -> String {
    match code {
        ErrorCode::HttpRequestDenied => {
            "the guard's `allowed_outbound_hosts` has no entry for it".to_owned()
        }
        ErrorCode::DestinationNotFound => "no trigger of the app names it".to_owned(),
        other => format!("{other:?}"),
    }
}

fn failed(passing: &Passing<'_>, cause: &str) -> Unreached {
    Unreached::Call {
        component: passing.component.to_owned(),
        cause: cause.to_owned(),
    }
}
