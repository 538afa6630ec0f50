//! The runtimes of apps: `spin-local` and the Spin CLI.

use std::path::{Path, PathBuf};

use crate::components;

/// A program with the command `up` and the options of `spin up`.
#[derive(Clone, Debug)]
pub struct Runtime {
    name: &'static str,
    program: PathBuf,
    /// The signal that ends the process when a test drops it.
    pub(crate) end: &'static str,
}

impl Runtime {
    /// Returns `spin-local`, built from the tree, or the program in the environment variable
    /// `SPIN_LOCAL`, which may be Spin.
    pub fn spin_local() -> Self {
        Self::spin_local_at(components::spin_local())
    }

    /// Returns a `spin-local` that is already built, or Spin if that is the name of the program.
    pub fn spin_local_at(program: impl Into<PathBuf>) -> Self {
        let program = program.into();
        if program.file_name().is_some_and(|name| name == "spin") {
            return Self::spin_at(program);
        }
        Self {
            name: "spin-local",
            program,
            end: "KILL",
        }
    }

    /// Returns the `spin` on the PATH, if there is one.
    pub fn spin() -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let program = std::env::split_paths(&path)
            .map(|folder| folder.join("spin"))
            .find(|program| program.is_file())?;
        Some(Self::spin_at(program))
    }

    fn spin_at(program: PathBuf) -> Self {
        Self {
            name: "spin",
            program,
            // Spin runs the app in a child process, which it ends on SIGTERM only.
            end: "TERM",
        }
    }

    /// Returns `spin-local` or `spin`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns `true` for the Spin CLI.
    pub fn is_spin(&self) -> bool {
        self.name == "spin"
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }
}
