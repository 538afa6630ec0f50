//! The stopped clock.

use std::env;

use crate::bindings::{Datetime, Guest};

const VARIABLE: &str = "WALL_CLOCK_SECONDS";

/// A clock that always returns the time in the environment variable.
pub struct StoppedClock;

impl Guest for StoppedClock {
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
