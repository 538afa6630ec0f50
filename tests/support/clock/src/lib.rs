//! The wall clock of WASI, stopped at a time that a test chooses.
//!
//! An app has no variable for its clock, because anyone who could set that variable could make it
//! accept old requests. Instead, a test composes the app with this component, as a dependency in the
//! manifest, and sets the environment variable `WALL_CLOCK_SECONDS` (Unix seconds). The tested
//! component is therefore the deployed one.

mod bindings;
mod exports;
mod stopped_clock;
