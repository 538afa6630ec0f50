//! Carries deliveries out: who may be called now, one attempt, and what follows from its outcome.
//!
//! ```text
//! planner ── reserve, start ─┐                 ┌─▶ recorder ─▶ Queue::complete
//!                            ├─▶ attempt ──────┤
//! claimer ── due, claim ─────┘   (a task each) └─▶ notices ─▶ who disables endpoints
//! ```
//!
//! What it promises:
//!
//! - *Isolation.* There are places for all attempts together and for each endpoint, and no endpoint
//!   takes more places than it leaves free, so that however many receivers hang, others are served.
//! - *No waiting for others.* Every attempt is a task of its own. What is due starts as soon as its
//!   endpoint has a place; nothing waits for a batch to end.
//! - *Rest.* With nothing due the claimer sleeps until the next due moment or until it is woken.
//! - *Fencing.* An attempt starts only while the lease of the process outlasts it, and its outcome is
//!   recorded under the claim it was made for.
//! - *One outcome.* Every claim that was started ends with one outcome, also where its attempt
//!   panics. What only observes (logs, metrics) comes after it and cannot prevent it.
//! - *An end.* After the stop no attempt starts; those under way end by their deadlines, their
//!   outcomes are recorded, and the rest is given back.

mod attempt;
mod breaker;
mod concurrency;
mod context;
mod dispatcher;
mod endpoint_state;
mod flight;
mod outcome;
mod rate_limiter;
mod recorder;
mod render_deferred;
mod request_template;
mod retry_after;
mod rewind;
mod scheduler;
mod settings;
mod wake_signals;

pub use dispatcher::{Dispatcher, Handle, Parts};
pub use outcome::{Disposition, Health, classify};
pub use retry_after::retry_after;
pub use settings::Settings;
