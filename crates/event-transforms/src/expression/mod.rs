//! Filters and transforms in the Common Expression Language.
//!
//! One variable, `event`:
//!
//! | field | type |
//! |---|---|
//! | `event.id`, `event.type`, `event.tenant` | `string` |
//! | `event.timestamp` | `timestamp` |
//! | `event.data` | what was published; integers are `int`, beyond its range `uint`, other numbers `double` |
//! | `event.ordering_key` | `string`, or `null` where there is none |
//!
//! The language is that of crate `cel`: its standard library and macros, without messages and
//! optional values.
//!
//! A number that a transform passes on keeps the text in which it was published, whatever its
//! length; one that it calculates is written in its shortest form.
//!
//! # Bounds
//!
//! Expressions are written by tenants, events by anybody. An expression is bounded in length and
//! nesting when it is compiled. When it runs, every step whose cost grows with the event draws from
//! a store of fuel (see [`meter`]); where that runs out, so does the evaluation. The count is of
//! steps, not of time, so that the same event always ends the same way. A panic of the interpreter
//! ends the one evaluation.

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
