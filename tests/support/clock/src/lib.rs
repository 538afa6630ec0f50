//! The wall clock of WASI, standing still at a time that a test chose.
//!
//! An app has no variable for its clock, for whoever could set that could have old requests
//! accepted. A test composes the app with this component instead, as a manifest's dependencies do,
//! and says the time in the environment variable `WALL_CLOCK_SECONDS` (Unix seconds). What is
//! tested is then the very component that is deployed.

mod bindings;
mod wall_clock;

/// The component. It has no state.
struct Clock;
