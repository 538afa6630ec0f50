//! The generated bindings of the component that verifies.
#![allow(unsafe_code)] // generated code uses pointers and lengths for the canonical ABI

wit_bindgen::generate!({
    inline: "
        package signed-webhooks:receiver;
        world receiver {
            import signed-webhooks:signature/keys@0.1.0;
            import signed-webhooks:signature/verify@0.1.0;
        }
    ",
    path: "wit/signature.wit",
    generate_all,
    // Parameters are borrowed: a body is not copied on this side.
    ownership: Borrowing { duplicate_if_necessary: true },
});

pub use signed_webhooks::signature::*;
