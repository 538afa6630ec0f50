//! The bindings that `wit-bindgen` generates from `wit/signature.wit`. The app's manifest selects the
//! component that provides the interface.

// The generated code crosses the component boundary with raw pointers.
#![allow(unsafe_code)]

wit_bindgen::generate!({
    inline: "
        package signed-webhooks:webhook-producer;

        world producer {
            import signed-webhooks:signature/sign@0.1.0;
        }
    ",
    path: "../wit/signature.wit",
    generate_all,
    // Parameters are borrowed: a body is not copied on this side.
    ownership: Borrowing { duplicate_if_necessary: true },
});

pub use signed_webhooks::signature::sign;
