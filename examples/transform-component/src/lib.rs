//! A transform that reports the number of items sold and their total price.
//!
//! An order with several lines becomes a number of pieces and a sum in cents; an order without lines
//! is skipped. Set the compiled file as an endpoint's `transform_component`.
//!
//! ```sh
//! cargo rustc -p transform-component --release --target wasm32-unknown-unknown -- \
//!     -C linker=wasm-component-ld
//! ```
//!
//! The standard library imports nothing on this target, and a transform must not import anything. The
//! linker, which comes with the Rust toolchain for `wasm32-wasip2`, converts the module into a
//! component.

mod order;
mod transform;
mod world;

/// The component. It has no state: calls are independent.
struct Transform;
