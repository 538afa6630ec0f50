//! A component that signs and verifies with the schemes selected by its features. The size that a
//! feature adds is the size of the scheme. `make bench` builds each variant; none of them is run.
#![cfg(target_family = "wasm")]
#![no_std]

extern crate alloc;

#[path = "../../../hmac-component/src/memory.rs"]
mod memory;
mod schemes;
#[path = "../../../hmac-component/src/trap.rs"]
mod trap;
mod world;

struct Component;
