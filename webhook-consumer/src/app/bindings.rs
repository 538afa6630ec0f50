//! The generated bindings of the HMAC component.
#![allow(unsafe_code)] // what is generated speaks the canonical ABI, by pointer and length

wit_bindgen::generate!({
    inline: "
        package signed-webhooks:consumer;
        world consumer {
            import fermyon:hmac/verify@0.1.0;
        }
    ",
    path: "../wit/hmac.wit",
    generate_all,
});
