//! A transform that says what was sold, for a receiver that wants no more than that.
//!
//! An order of several lines becomes a number of pieces and a sum in cents; an order without lines
//! is not sent at all. Name the file it is built into as an endpoint's `transform_component`.
//!
//! ```sh
//! cargo rustc -p transform-component --release --target wasm32-unknown-unknown -- \
//!     -C linker=wasm-component-ld
//! ```
//!
//! On this target the standard library imports nothing, and neither may a transform. The linker,
//! which comes with the Rust toolchain for `wasm32-wasip2`, makes a component of the module.

mod order;
mod transform;
mod world;

/// The component. It has no state.
struct Transform;
