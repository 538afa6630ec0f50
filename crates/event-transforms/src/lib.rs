//! Filters and transforms: which events an endpoint receives, and in which form.
//!
//! A filter is an expression, and a transform is an expression or a WebAssembly component.
//! [`Programs`] compiles both for one version of an endpoint and runs them on its events. No
//! program of a tenant stops the sender: expressions and components run within bounds on their
//! steps, memory and output.

#![cfg_attr(not(test), deny(clippy::disallowed_macros))]

pub mod component;
pub mod expression;
mod programs;
mod text;

pub use programs::{MAX_OUTPUT_BYTES, ProgramError, Programs, Rendered};
