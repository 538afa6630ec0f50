//! Runs of cargo by tests.

use std::ffi::OsStr;
use std::process::Command;

/// Removes the variables that describe the test's own package from the environment of a command that runs
/// cargo. Some build scripts, such as that of `ring`, run again when they change, and everything that
/// depends on these crates is compiled again: for the test, and once more after it.
pub fn without_package(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if describes_package(&name) {
            command.env_remove(name);
        }
    }
    command
}

fn describes_package(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_describes_the_package_is_removed() {
        for name in [
            "CARGO_PKG_NAME",
            "CARGO_PKG_VERSION_MAJOR",
            "CARGO_MANIFEST_DIR",
        ] {
            assert!(describes_package(name.as_ref()), "{name}");
        }
        for name in ["CARGO", "CARGO_HOME", "CARGO_INCREMENTAL", "PATH"] {
            assert!(!describes_package(name.as_ref()), "{name}");
        }
    }
}
