//! From a request to its answer.

use std::fmt::Display;

use problem_details::Problem;
use webhook_receiver::{
    Answer, Handshake, Headers, Log, Platform, Processed, Received, Refusal, Registration, Request,
    handshake, receive, variables,
};

use crate::door::{self, Door};
use crate::headers::{are_sendable, passed_on};
use crate::keys::Keyed;
use crate::unreached::Unreached;

/// The text of the answer to an event that was processed before.
const SEEN: &str = "Received payload before and verified integrity";

/// An accepted request on its way to the app.
pub struct Passing<'a> {
    /// The component it goes to.
    pub component: &'a str,
    /// As on the wire.
    pub method: &'a str,
    /// Path and query, as on the wire.
    pub target: &'a str,
    /// What goes on of its headers.
    pub headers: &'a Headers,
    /// Its raw body.
    pub body: &'a [u8],
}

/// What the app answered, as far as the guard looks at it.
pub struct Answered<T> {
    /// The HTTP status.
    pub status: u16,
    /// `true` if the app answered to the end. One that breaks off has not succeeded, whatever its
    /// status says.
    pub whole: bool,
    /// The part of the answer that the client does not have yet.
    pub rest: T,
}

/// What is to be sent to the client.
pub enum Outcome<T> {
    /// An answer of the guard's own.
    Own(Answer),
    /// The rest of the app's answer.
    Apps(T),
}

/// Takes a handshake, refuses, or has `pass` call the app, and leaves in the log what is worth
/// telling about it.
///
/// `pass` returns when the app's answer has ended, and before the client has all of it: the event
/// counts as processed by the time the client can see that it was.
pub fn guard<T>(
    request: &mut impl Request,
    platform: &impl Platform,
    log: &mut Log,
    pass: impl FnOnce(Passing<'_>) -> Result<Answered<T>, Unreached>,
) -> Outcome<T> {
    match handle(request, platform, log, pass) {
        Ok(Outcome::Own(answer)) => {
            log.line(format!("Responding with HTTP {}", answer.status));
            Outcome::Own(answer)
        }
        Ok(apps) => apps,
        Err(refusal) => {
            log_problem(&refusal.problem(), &refusal, log);
            Outcome::Own(refusal.answer())
        }
    }
}

fn handle<T>(
    request: &mut impl Request,
    platform: &impl Platform,
    log: &mut Log,
    pass: impl FnOnce(Passing<'_>) -> Result<Answered<T>, Unreached>,
) -> Result<Outcome<T>, Refusal> {
    let platform = Keyed::new(platform)?;
    let (method, target) = (request.method(), request.target());
    let path = handshake_path(&platform)?;
    let registration = registration(&target, &path);
    if let Door::Handshake { token } = Door::of(&method, &target, &path) {
        let offered = Handshake {
            registration: &registration,
            token: token.as_deref(),
            // Without a token anybody could bring the key that opens the app.
            open: false,
        };
        return handshake(offered, request, &platform, log).map(Outcome::Own);
    }
    let component = door::component(&platform)?;
    let headers = passed_on(request.headers());
    let received = receive(request, &registration, &platform, log, |delivery, log| {
        let passing = Passing {
            component: &component,
            method: &method,
            target: &target,
            headers: &headers,
            body: delivery.body,
        };
        let passed = match are_sendable(&headers) {
            true => pass(passing),
            false => Err(Unreached::Headers),
        };
        processed(passed, log)
    })?;
    Ok(match received {
        Received::Processed(outcome) => outcome,
        Received::Seen => Outcome::Own(Answer::text(SEEN)),
    })
}

/// Empty where there is no handshake. With a key in the variables there is none, or a stranger
/// could leave a key that counts as soon as the variable is emptied.
fn handshake_path<P: Platform>(platform: &Keyed<'_, P>) -> Result<String, Refusal> {
    if platform.is_fixed() {
        return Ok(String::new());
    }
    Ok(variables::text(platform, "handshake_path")?)
}

/// Senders that register at `handshake_path` with different queries call it with them. Every other
/// request is under the key that was registered without one.
fn registration(target: &str, handshake_path: &str) -> Registration {
    match target.split_once('?') {
        Some((path, query)) if path == handshake_path && !path.is_empty() => {
            Registration::of_query(query)
        }
        _ => Registration::default(),
    }
}

/// Senders take a whole 2xx for success and send everything else again, so that is what is forgotten.
fn processed<T>(passed: Result<Answered<T>, Unreached>, log: &mut Log) -> Processed<Outcome<T>> {
    match passed {
        Ok(Answered {
            status,
            whole,
            rest,
        }) => {
            let end = if whole { "" } else { " and broke off" };
            log.line(format!("The app answered HTTP {status}{end}"));
            let outcome = Outcome::Apps(rest);
            match status {
                200..=299 if whole => Processed::Done(outcome),
                _ => Processed::Failed(outcome),
            }
        }
        Err(unreached) => {
            log.line(format!("Not passed on: {unreached}"));
            Processed::Failed(Outcome::Own(unreached.answer()))
        }
    }
}

fn log_problem(problem: &Problem, reason: &impl Display, log: &mut Log) {
    let (status, code) = (problem.status(), problem.code());
    log.line(format!("Responding with HTTP {status} ({code}: {reason})"));
}
