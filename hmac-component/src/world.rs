//! What `wit-bindgen` makes of `wit/hmac.wit`.

#![allow(
    unsafe_code,
    reason = "the generated exports lift and lower raw memory"
)]

use crate::Component;

wit_bindgen::generate!({
    path: "../wit/hmac.wit",
    world: "signing",
});

export!(Component);
