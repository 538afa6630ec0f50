//! From a request to its answer.

use crate::route::Route;
use crate::{Answer, Log, Platform, Refusal, Request, delivery, handshake, health};

/// Answers one request, and leaves in the log what is worth telling about it.
///
/// Health checks come every few seconds: only those that fail are logged.
pub fn answer(request: &mut impl Request, platform: &impl Platform, log: &mut Log) -> Answer {
    match Route::of(&request.method(), &request.target()) {
        Ok(Route::Health) => health::check(platform).unwrap_or_else(|refusal| refuse(refusal, log)),
        Ok(Route::Handshake { token }) => {
            let outcome = handshake::accept(token.as_deref(), request, platform, log);
            finish(outcome, log)
        }
        Ok(Route::Delivery) => finish(delivery::accept(request, platform, log), log),
        Err(refusal) => refuse(refusal, log),
    }
}

fn finish(outcome: Result<Answer, Refusal>, log: &mut Log) -> Answer {
    outcome
        .inspect(|answer| log.line(format!("Responding with HTTP {}", answer.status)))
        .unwrap_or_else(|refusal| refuse(refusal, log))
}

fn refuse(refusal: Refusal, log: &mut Log) -> Answer {
    let problem = refusal.problem();
    log.line(format!(
        "Responding with HTTP {} ({}: {refusal})",
        problem.status(),
        problem.code()
    ));
    Answer::problem(&problem).allowing(refusal.allow())
}
