//! What `wit-bindgen` makes of `wit/hmac.wit`.

wit_bindgen::generate!({
    path: "../wit/hmac.wit",
    world: "signing",
});

export!(Component);

use crate::Component;
