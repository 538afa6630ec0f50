//! The consumers in other languages, as processes, at the wire.
//!
//! `scripts/setup-examples.sh` installs the tools that build them. A language whose tools are missing
//! is reported and skipped, unless the environment has `CI=true`: then every test fails.

mod conformance;
mod deliveries;
mod examples;
mod firing;
mod handshakes;
mod signing;
