//! The servers that `make setup-brokers` installs.

use std::path::{Path, PathBuf};

/// The advice for a test whose server is missing.
pub(crate) const HINT: &str = "`make setup-brokers` installs it";

/// Returns the path of a program.
pub(crate) fn program(name: &str) -> PathBuf {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/brokers/programs");
    programs.join(name)
}
