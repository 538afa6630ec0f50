//! The generated bindings.
#![allow(unsafe_code)] // what is generated speaks the canonical ABI, by pointer and length

wit_bindgen::generate!({
    inline: "
        package wasi:clocks@0.2.0;

        interface wall-clock {
            record datetime {
                seconds: u64,
                nanoseconds: u32,
            }
            now: func() -> datetime;
            resolution: func() -> datetime;
        }

        world clock {
            export wall-clock;
        }
    ",
});

export!(Clock);

use crate::Clock;
pub use exports::wasi::clocks::wall_clock::{Datetime, Guest};
