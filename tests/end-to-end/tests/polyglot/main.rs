//! The consumers in other languages, as processes, at the wire.
//!
//! `scripts/setup-examples.sh` installs what builds them. A language whose tools are missing is
//! named and left out, unless the environment has `CI=true`: then it fails every test.

mod conformance;
mod deliveries;
mod examples;
mod firing;
mod handshakes;
mod signing;
