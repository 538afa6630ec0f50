//! The time.

use std::env;

use crate::Clock;
use crate::bindings::{Datetime, Guest};

const VARIABLE: &str = "WALL_CLOCK_SECONDS";

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
