//! Delivers events: permits, attempts, and the handling of their outcomes.
//!
//! ```text
//! planner ── reserve, start ─┐                 ┌─▶ recorder ─▶ Queue::complete
//!                            ├─▶ attempt ──────┤
//! scheduler ── due, claim ───┘   (a task each) └─▶ endpoint_health::HealthObserver
//! ```
//!
//! Guarantees:
//!
//! - *Isolation.* Permits limit the attempts in total and for each endpoint. No endpoint holds more
//!   permits than it leaves free, so that other endpoints are served however many receivers hang.
//! - *No leaks.* A permit is a value that releases itself, however the work that holds it ends.
//! - *No waiting for others.* Every attempt is a task of its own. A due delivery starts as soon as
//!   its endpoint has a permit; nothing waits for a batch to end.
//! - *Idle without work.* If nothing is due, the scheduler sleeps until the next due time or a wake
//!   signal.
//! - *Fencing.* An attempt starts only while the lease of the process outlasts it, and its outcome
//!   is recorded under the claim that it was made for.
//! - *One outcome.* Every started claim ends with exactly one outcome, even if its attempt panics.
//!   Code that only observes (logs, metrics) runs afterwards and cannot prevent it.
//! - *Graceful shutdown.* After the stop no attempt starts. Attempts in flight end by their
//!   deadlines, their outcomes are recorded, and the remaining claims are released.

mod attempt;
mod breaker;
mod context;
mod dispatcher;
mod flight;
mod outcome;
mod permits;
mod rate_limiter;
mod recorder;
mod render_deferred;
mod request;
mod request_template;
mod retry_after;
mod rewind;
mod scheduler;
mod settings;
mod single;
mod wake_signals;

pub use dispatcher::{Dispatcher, Handle, Parts};
pub use outcome::{Disposition, Health, classify};
pub use render_deferred::render;
pub use retry_after::retry_after;
pub use settings::Settings;
