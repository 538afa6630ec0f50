//! `fermyon:hmac@0.1.0`: the tags of the scheme `plain`.

mod sign;
mod verify;
