//! What wit-bindgen makes of `wit/hmac.wit`. The app's manifest says which component stands behind
//! it.

// The generated code crosses the component boundary with raw pointers.
#![allow(unsafe_code)]

wit_bindgen::generate!({
    inline: "
        package signed-webhooks:webhook-producer;

        world producer {
            import fermyon:hmac/sign@0.1.0;
        }
    ",
    path: "../wit/hmac.wit",
    generate_all,
});

pub use fermyon::hmac::sign::sign;
