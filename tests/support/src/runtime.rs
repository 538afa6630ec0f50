//! What runs an app: `spin-local`, or a real Spin.

use std::path::{Path, PathBuf};

use crate::components;

/// A program that takes `up` and the options of `spin up`.
#[derive(Clone, Debug)]
pub struct Runtime {
    name: &'static str,
    program: PathBuf,
    /// The signal that ends it when a test is done with it.
    pub(crate) end: &'static str,
}

impl Runtime {
    /// `spin-local`, built from the tree.
    pub fn spin_local() -> Self {
        Self::spin_local_at(components::spin_local())
    }

    /// A `spin-local` that is built already.
    pub fn spin_local_at(program: impl Into<PathBuf>) -> Self {
        Self {
            name: "spin-local",
            program: program.into(),
            end: "KILL",
        }
    }

    /// The `spin` of the PATH, if there is one.
    pub fn spin() -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let program = std::env::split_paths(&path)
            .map(|folder| folder.join("spin"))
            .find(|program| program.is_file())?;
        Some(Self {
            name: "spin",
            program,
            // It runs the app in a process of its own, which it ends only when it is asked to.
            end: "TERM",
        })
    }

    /// `spin-local` or `spin`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }
}
