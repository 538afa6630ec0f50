//! Bindings that are generated from the interface below.
#![allow(unsafe_code)] // the generated code uses the canonical ABI, with pointers and lengths

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

pub use exports::wasi::clocks::wall_clock::{Datetime, Guest};
