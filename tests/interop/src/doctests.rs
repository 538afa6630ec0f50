//! The Rust examples in `docs/SIGNATURES.md`.

/// Compiles and runs the Rust examples in `docs/SIGNATURES.md`.
#[doc = include_str!("../../../docs/SIGNATURES.md")]
struct Documentation;
