//! Filters and transforms in the Common Expression Language.
//!
//! The only variable is `event`:
//!
//! | field | type |
//! |---|---|
//! | `event.id`, `event.type`, `event.tenant` | `string` |
//! | `event.timestamp` | `timestamp` |
//! | `event.data` | the published data; integers are `int`, beyond its range `uint`, other numbers `double` |
//! | `event.ordering_key` | `string`, or `null` if it has none |
//!
//! The language is that of crate `cel`: its standard library and macros, without messages and
//! optional values.
//!
//! A number that a transform passes on keeps its published text, whatever its length. A calculated
//! number is written in its shortest form.
//!
//! # Bounds
//!
//! Expressions are written by tenants, and events come from any publisher. The compiler bounds the
//! length and nesting of an expression. At run time, every step whose cost grows with the event
//! consumes fuel (see [`meter`]), and the evaluation fails when none is left. Fuel counts steps and
//! not time, so that the result for an event is always the same. A panic of the interpreter ends
//! only the evaluation.

mod check;
mod compile;
mod meter;
mod number;
mod read;
mod run;
mod vars;
mod write;

pub use compile::{CompileError, MAX_SOURCE_BYTES};
pub use run::{Program, RunError};
pub use vars::Vars;

/// The stack in bytes with which a thread can run every expression: Rust's default, and that of
/// Tokio's threads.
pub const STACK_BYTES: usize = 2 << 20;
