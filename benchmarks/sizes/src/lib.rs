//! Signs and verifies with the schemes that its features name, in a component that is otherwise the
//! same: what a feature adds to its size is what the scheme adds. `make bench` builds it in each
//! way; nothing runs it.
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
