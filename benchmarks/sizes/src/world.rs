//! Bindings that are generated from the interface below.

#![allow(
    unsafe_code,
    reason = "the generated exports lift and lower raw memory"
)]

use crate::Component;

wit_bindgen::generate!({
    inline: "
        package signed-webhooks:sizes;
        world sizes {
            record request {
                key: string,
                headers: list<tuple<string, string>>,
                body: list<u8>,
                now: u64,
            }
            /// Returns `true` if the signatures of the request are valid, and the tags of a new one.
            export run: func(request: request) -> tuple<bool, list<string>>;
        }
    ",
});

export!(Component);
