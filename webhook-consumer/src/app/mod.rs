//! The consumer as a Spin component: the entry point, and Spin behind the traits.

mod bindings;
mod entry;
mod incoming;
mod outgoing;
mod spin;
mod stream;
