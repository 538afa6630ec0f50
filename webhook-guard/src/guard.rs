//! The handling of one request.

use std::fmt::Display;

use problem_details::Problem;
use webhook_receiver::{
    Handshake, Headers, Log, Platform, Processed, Received, Refusal, Registration, Request,
    Response, handshake, receive, variables,
};

use crate::forward_error::ForwardError;
use crate::headers::{are_sendable, forwarded_headers};
use crate::platform::GuardPlatform;
use crate::route::{self, Route};

/// The body of the response to an event that was processed before.
const DUPLICATE: &str = "Received payload before and verified integrity";

/// An accepted request for the app.
pub struct ForwardedRequest<'a> {
    /// The component that receives it.
    pub component: &'a str,
    /// The method, as on the wire.
    pub method: &'a str,
    /// Path and query, as on the wire.
    pub target: &'a str,
    /// The forwarded headers.
    pub headers: &'a Headers,
    /// The raw body.
    pub body: &'a [u8],
}

/// The properties of the app's response that the guard needs.
pub struct ForwardedResponse<T> {
    /// The HTTP status.
    pub status: u16,
    /// `true` if the response is complete. An incomplete one is a failure, whatever its status.
    pub whole: bool,
    /// The part of the response that was not sent to the client yet.
    pub rest: T,
}

/// The response to send to the client.
pub enum Outcome<T> {
    /// A response of the guard itself.
    Own(Response),
    /// The rest of the app's response.
    Apps(T),
}

/// Handles a request: accepts a handshake, refuses, or calls the app with `forward`. Each step is
/// logged.
///
/// `forward` must return when the app's response has ended, but before the client has all of it: the
/// event is recorded as processed before the client can see that it was.
pub fn guard<T>(
    request: &mut impl Request,
    platform: &impl Platform,
    log: &mut Log,
    forward: impl FnOnce(ForwardedRequest<'_>) -> Result<ForwardedResponse<T>, ForwardError>,
) -> Outcome<T> {
    match handle(request, platform, log, forward) {
        Ok(Outcome::Own(response)) => {
            log.line(format!("Responding with HTTP {}", response.status));
            Outcome::Own(response)
        }
        Ok(apps) => apps,
        Err(refusal) => {
            log_problem(&refusal.problem(), &refusal, log);
            Outcome::Own(refusal.response())
        }
    }
}

fn handle<T>(
    request: &mut impl Request,
    platform: &impl Platform,
    log: &mut Log,
    forward: impl FnOnce(ForwardedRequest<'_>) -> Result<ForwardedResponse<T>, ForwardError>,
) -> Result<Outcome<T>, Refusal> {
    let platform = GuardPlatform::new(platform)?;
    let (method, target) = (request.method(), request.target());
    let path = handshake_path(&platform)?;
    let registration = registration(&target, &path);
    if let Route::Handshake { token } = Route::of(&method, &target, &path) {
        let offer = Handshake {
            registration: &registration,
            token: token.as_deref(),
            // Without a token, any caller could set the key that opens the app.
            open: false,
        };
        return handshake(offer, request, &platform, log).map(Outcome::Own);
    }
    let component = route::component(&platform)?;
    let headers = forwarded_headers(request.headers());
    let received = receive(request, &registration, &platform, log, |delivery, log| {
        let request = ForwardedRequest {
            component: &component,
            method: &method,
            target: &target,
            headers: &headers,
            body: delivery.body,
        };
        let result = if are_sendable(&headers) {
            forward(request)
        } else {
            Err(ForwardError::Headers)
        };
        processed(result, log)
    })?;
    Ok(match received {
        Received::Processed(outcome) => outcome,
        Received::Duplicate => Outcome::Own(Response::text(DUPLICATE)),
    })
}

/// Returns the path of handshakes, which is empty if they are disabled. They are if the key is in
/// the variables: otherwise a stranger could store a key that is used once the variable is emptied.
fn handshake_path<P: Platform>(platform: &GuardPlatform<'_, P>) -> Result<String, Refusal> {
    if platform.is_fixed() {
        return Ok(String::new());
    }
    Ok(variables::text(platform, "handshake_path")?)
}

/// Returns the registration of a request. Senders that register at `handshake_path` with different
/// queries call it with them. All other requests use the key that was registered without a query.
fn registration(target: &str, handshake_path: &str) -> Registration {
    match target.split_once('?') {
        Some((path, query)) if path == handshake_path && !path.is_empty() => {
            Registration::of_query(query)
        }
        _ => Registration::default(),
    }
}

/// Returns whether the event is done. Senders retry everything but a complete 2xx response, so all
/// other ids are released.
fn processed<T>(
    result: Result<ForwardedResponse<T>, ForwardError>,
    log: &mut Log,
) -> Processed<Outcome<T>> {
    match result {
        Ok(ForwardedResponse {
            status,
            whole,
            rest,
        }) => {
            let note = if whole { "" } else { ", incomplete" };
            log.line(format!("The app responded with HTTP {status}{note}"));
            let outcome = Outcome::Apps(rest);
            match status {
                200..=299 if whole => Processed::Done(outcome),
                _ => Processed::Failed(outcome),
            }
        }
        Err(error) => {
            log.line(format!("Not forwarded: {error}"));
            Processed::Failed(Outcome::Own(error.response()))
        }
    }
}

fn log_problem(problem: &Problem, reason: &impl Display, log: &mut Log) {
    let (status, code) = (problem.status(), problem.code());
    log.line(format!("Responding with HTTP {status} ({code}: {reason})"));
}
