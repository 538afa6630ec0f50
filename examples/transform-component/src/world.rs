//! The bindings that `wit-bindgen` generates.

#![allow(
    unsafe_code,
    reason = "the generated exports lift and lower raw memory"
)]

use crate::Transform;

wit_bindgen::generate!({
    path: "../../wit/transform.wit",
    world: "signed-webhooks:transform/transformer",
});

export!(Transform);

pub use exports::signed_webhooks::transform::transform::{Error, Event, Guest};
