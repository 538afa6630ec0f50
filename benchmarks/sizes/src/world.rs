//! What `wit-bindgen` makes of the interface.

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
            /// Whether the request is signed as it should be, and the tags of one that is.
            export run: func(request: request) -> tuple<bool, list<string>>;
        }
    ",
});

export!(Component);
