//! The WebAssembly component behind `fermyon:hmac@0.1.0`: a shell around [`signature::plain`].
//!
//! It exports the world `signing` of `wit/hmac.wit` and imports nothing, neither WASI nor anything
//! else, so that a component it is composed into needs no more rights than before. That is why it
//! does without the standard library, whose start-up code on `wasm32-wasip2` brings in WASI, and
//! why [`memory`] and [`trap`] are here.
//!
//! ```sh
//! cargo build -p hmac-component --release --target wasm32-wasip2
//! ```

#![cfg_attr(target_family = "wasm", no_std)]
#![warn(missing_docs)]

extern crate alloc;

mod bindings;
#[cfg(target_family = "wasm")]
mod memory;
mod sign;
#[cfg(target_family = "wasm")]
mod trap;
mod verify;

/// The component: it has no state, and each call stands alone.
struct Component;
