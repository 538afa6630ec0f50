//! Webhook signatures as a WebAssembly component: a thin shell around [`webhook_signature`].
//!
//! | package | interfaces | described in |
//! |---|---|---|
//! | `fermyon:hmac@0.1.0` | `types`, `sign`, `verify` | `wit/hmac.wit` |
//! | `signed-webhooks:signature@0.1.0` | `types`, `keys`, `sign`, `verify` | `wit/signature.wit` |
//!
//! It exports both and imports nothing, neither WASI nor anything else: an app that includes it
//! needs no further permission. For this it avoids the standard library, which imports WASI on
//! `wasm32-wasip2`; the modules `memory` and `trap` provide an allocator and a panic handler.
//!
//! ```sh
//! cargo build -p hmac-component --release --target wasm32-wasip2
//! ```
//!
//! On other targets the crate can only be checked, without those two modules.

#![cfg_attr(all(target_family = "wasm", not(test)), no_std)]
#![warn(missing_docs)]

extern crate alloc;

mod hmac;
#[cfg(all(target_family = "wasm", not(test)))]
mod memory;
mod signatures;
#[cfg(all(target_family = "wasm", not(test)))]
mod trap;
mod world;

/// The component. It has no state: calls are independent.
struct Component;
