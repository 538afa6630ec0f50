//! The bindings that `wit-bindgen` generates.

#![allow(
    unsafe_code,
    reason = "the generated exports lift and lower raw memory"
)]

use crate::Component;

wit_bindgen::generate!({
    path: ["../wit/hmac.wit", "../wit/signature.wit", "wit"],
    world: "signed-webhooks:component/component",
});

export!(Component);

pub use exports::signed_webhooks::signature as signatures;
