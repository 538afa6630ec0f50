//! Settings from the command line, the runtime configuration and the environment, which complete
//! or replace those of a manifest.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::variables::{Provider, VariableError, read_argument};

/// Settings from outside the manifest. The default has none, not even the environment of the
/// process.
#[derive(Clone, Default)]
pub struct Overrides {
    /// Values of variables, which take precedence over every other source. For a name that is
    /// given twice, the later value counts.
    pub variables: Vec<(String, String)>,
    /// Environment variables for every component, which take precedence over the manifest.
    pub environment: Vec<(String, String)>,
    /// The providers of the runtime configuration, in the order in which they are searched after
    /// `variables`.
    pub providers: Vec<Provider>,
    /// The environment of the process, in which the variable `name` is `SPIN_VARIABLE_NAME`.
    pub process_environment: BTreeMap<OsString, OsString>,
    /// A file of lines `SPIN_VARIABLE_NAME=value`, searched after the environment. Spin uses
    /// `.env` in the working directory.
    pub environment_file: Option<PathBuf>,
}

impl Overrides {
    /// Adds an argument of `--variable`: `name=value`, `name=@file`, `@file.json` or `@file.toml`.
    ///
    /// # Errors
    ///
    /// The argument has none of these forms, or the file cannot be read.
    pub fn add_variable(&mut self, argument: &str) -> Result<(), VariableError> {
        self.variables.extend(read_argument(argument)?);
        Ok(())
    }

    /// Returns the value of the variable `name` with the highest precedence.
    pub(super) fn value(&self, name: &str) -> Result<Option<String>, VariableError> {
        let mut arguments = self.variables.iter().rev();
        if let Some((_, value)) = arguments.find(|(key, _)| key == name) {
            return Ok(Some(value.clone()));
        }
        let environment = Provider::environment(None, self.environment_file.clone());
        for provider in self.providers.iter().chain([&environment]) {
            if let Some(value) = provider.get(name, &self.process_environment)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}
