//! From a request to its answer.

use std::fmt::Display;

use problem::Problem;
use webhook_receiver::{Answer, Log, Platform, Refusal, Request, check_health, handshake};

use crate::delivery;
use crate::route::{Route, Unrouted};

/// Answers one request, and leaves in the log what is worth telling about it.
///
/// Health checks come every few seconds: only those that fail are logged.
pub fn answer(request: &mut impl Request, platform: &impl Platform, log: &mut Log) -> Answer {
    match Route::of(&request.method(), &request.target()) {
        Ok(Route::Health) => check_health(platform).unwrap_or_else(|refusal| refuse(&refusal, log)),
        Ok(Route::Handshake { token }) => {
            let outcome = handshake(token.as_deref(), request, platform, log);
            finish(outcome, log)
        }
        Ok(Route::Delivery) => finish(delivery::accept(request, platform, log), log),
        Err(unrouted) => send_away(&unrouted, log),
    }
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
