//! Transforms that are WebAssembly components of world `signed-webhooks:transform/transformer`
//! (`wit/transform.wit`).
//!
//! They are files of one [`Folder`]. A component imports nothing. Each event gets its own instance,
//! with bounds on its steps, its memory and the size of its output.

mod error;
mod file_version;
mod folder;
#[cfg(feature = "components")]
mod interface;
#[cfg(feature = "components")]
#[path = "wasmtime.rs"]
mod runtime;
#[cfg(not(feature = "components"))]
#[path = "disabled.rs"]
mod runtime;

pub use error::{ComponentError, RunError};
pub use folder::Folder;
pub use runtime::Component;
