//! Webhook signatures as a WebAssembly component: a thin shell around [`signature`].
//!
//! | package | interfaces | described in |
//! |---|---|---|
//! | `fermyon:hmac@0.1.0` | `types`, `sign`, `verify` | `wit/hmac.wit` |
//! | `signed-webhooks:signature@0.1.0` | `types`, `keys`, `sign`, `verify` | `wit/signature.wit` |
//!
//! It exports both and imports nothing, neither WASI nor anything else: what it is composed into
//! needs no right that it did not need before. That takes doing without the standard library,
//! which on `wasm32-wasip2` brings WASI along, and is why the module `memory` has an allocator and
//! `trap` a panic handler.
//!
//! ```sh
//! cargo build -p hmac-component --release --target wasm32-wasip2
//! ```
//!
//! For other targets the crate only checks: everything but those two modules is plain Rust.

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

/// The component. It has no state: each call stands alone.
struct Component;
