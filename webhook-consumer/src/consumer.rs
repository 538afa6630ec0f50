//! From a request to its answer.

use std::fmt::Display;

use problem_details::Problem;
use webhook_receiver::{
    Answer, Handshake, Log, Platform, Refusal, Request, check_health, handshake, variables,
};

use crate::delivery;
use crate::route::{Route, Unrouted};

/// Answers one request, and leaves in the log what is worth telling about it.
///
/// Health checks come every few seconds: only those that fail are logged.
pub fn answer(request: &mut impl Request, platform: &impl Platform, log: &mut Log) -> Answer {
    match Route::of(&request.method(), &request.target()) {
        Ok(Route::Health) => health(platform).unwrap_or_else(|refusal| refuse(&refusal, log)),
        Ok(Route::Handshake {
            registration,
            token,
        }) => {
            let outcome = open_handshake(platform).and_then(|open| {
                let offered = Handshake {
                    registration: &registration,
                    token: token.as_deref(),
                    open,
                };
                handshake(offered, request, platform, log)
            });
            finish(outcome, log)
        }
        Ok(Route::Delivery(registration)) => {
            let outcome = delivery::accept(request, &registration, platform, log);
            finish(outcome, log)
        }
        Err(unrouted) => send_away(&unrouted, log),
    }
}

fn health(platform: &impl Platform) -> Result<Answer, Refusal> {
    open_handshake(platform)?;
    check_health(platform)
}

/// Reads whether any caller may bring a key while `handshake_token` is empty.
fn open_handshake(platform: &impl Platform) -> Result<bool, Refusal> {
    Ok(variables::switch(platform, "open_handshake")?)
}

fn finish(outcome: Result<Answer, Refusal>, log: &mut Log) -> Answer {
    outcome
        .inspect(|answer| log.line(format!("Responding with HTTP {}", answer.status)))
        .unwrap_or_else(|refusal| refuse(&refusal, log))
}

fn refuse(refusal: &Refusal, log: &mut Log) -> Answer {
    log_problem(&refusal.problem(), refusal, log);
    refusal.answer()
}

fn send_away(unrouted: &Unrouted, log: &mut Log) -> Answer {
    log_problem(&unrouted.problem(), unrouted, log);
    unrouted.answer()
}

fn log_problem(problem: &Problem, reason: &impl Display, log: &mut Log) {
    let (status, code) = (problem.status(), problem.code());
    log.line(format!("Responding with HTTP {status} ({code}: {reason})"));
}
