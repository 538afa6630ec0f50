//! The handling of one request.

use std::fmt::Display;

use problem_details::Problem;
use webhook_receiver::{
    Handshake, Log, Platform, Refusal, Request, Response, check_health, handshake, variables,
};

use crate::delivery;
use crate::route::{Route, RouteError};

/// Handles one request and logs each step.
///
/// Health checks come every few seconds, so only failing ones are logged.
pub fn respond(request: &mut impl Request, platform: &impl Platform, log: &mut Log) -> Response {
    match Route::of(&request.method(), &request.target()) {
        Ok(Route::Health) => health(platform).unwrap_or_else(|refusal| refuse(&refusal, log)),
        Ok(Route::Handshake {
            registration,
            token,
        }) => {
            let outcome = open_handshake(platform).and_then(|open| {
                let offer = Handshake {
                    registration: &registration,
                    token: token.as_deref(),
                    open,
                };
                handshake(offer, request, platform, log)
            });
            finish(outcome, log)
        }
        Ok(Route::Delivery(registration)) => {
            let outcome = delivery::accept(request, &registration, platform, log);
            finish(outcome, log)
        }
        Err(error) => reject(&error, log),
    }
}

fn health(platform: &impl Platform) -> Result<Response, Refusal> {
    open_handshake(platform)?;
    check_health(platform)
}

/// Returns true if any caller may set the key while `handshake_token` is empty.
fn open_handshake(platform: &impl Platform) -> Result<bool, Refusal> {
    Ok(variables::switch(platform, "open_handshake")?)
}

fn finish(outcome: Result<Response, Refusal>, log: &mut Log) -> Response {
    outcome
        .inspect(|response| log.line(format!("Responding with HTTP {}", response.status)))
        .unwrap_or_else(|refusal| refuse(&refusal, log))
}

fn refuse(refusal: &Refusal, log: &mut Log) -> Response {
    log_problem(&refusal.problem(), refusal, log);
    refusal.response()
}

fn reject(error: &RouteError, log: &mut Log) -> Response {
    log_problem(&error.problem(), error, log);
    error.response()
}

fn log_problem(problem: &Problem, reason: &impl Display, log: &mut Log) {
    let (status, code) = (problem.status(), problem.code());
    log.line(format!("Responding with HTTP {status} ({code}: {reason})"));
}
