//! The wall clock of WASI, standing still at a time that a test chose.
//!
//! An app has no variable for its clock, for whoever could set that could have old requests
//! accepted. A test composes the app with this component instead, as a manifest's dependencies do,
//! and says the time in the environment variable `WALL_CLOCK_SECONDS` (Unix seconds). What is
//! tested is then the very component that is deployed.

use std::env;

mod bindings;

use bindings::{Datetime, Guest};

const VARIABLE: &str = "WALL_CLOCK_SECONDS";

struct Clock;

impl Guest for Clock {
    fn now() -> Datetime {
        let text = env::var(VARIABLE).unwrap_or_else(|error| panic!("`{VARIABLE}`: {error}"));
        let seconds = text.parse();
        let seconds = seconds.unwrap_or_else(|error| panic!("`{VARIABLE}` is `{text}`: {error}"));
        Datetime {
            seconds,
            nanoseconds: 0,
        }
    }

    fn resolution() -> Datetime {
        Datetime {
            seconds: 1,
            nanoseconds: 0,
        }
    }
}
