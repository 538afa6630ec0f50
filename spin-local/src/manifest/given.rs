//! What the command line, the runtime configuration and the environment add to a manifest.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::variables::{Provider, VariableError, read_argument};

/// What is given outside the manifest. The default is nothing at all, not even the environment
/// of the process.
#[derive(Clone, Default)]
pub struct Given {
    /// Values of variables, which win over every other source; of two for one name the later.
    pub variables: Vec<(String, String)>,
    /// Environment variables that every component gets, over those of the manifest.
    pub environment: Vec<(String, String)>,
    /// The providers of the runtime configuration, asked in this order after `variables`.
    pub providers: Vec<Provider>,
    /// The environment of the process, in which the variable `name` is `SPIN_VARIABLE_NAME`.
    pub process_environment: BTreeMap<OsString, OsString>,
    /// A file of lines `SPIN_VARIABLE_NAME=value`, asked where the environment has no such
    /// variable: `.env` in the working directory for Spin.
    pub environment_file: Option<PathBuf>,
}

impl Given {
    /// Adds what followed `--variable`: `name=value`, `name=@file`, `@file.json`, `@file.toml`.
    pub fn add_variable(&mut self, argument: &str) -> Result<(), VariableError> {
        self.variables.extend(read_argument(argument)?);
        Ok(())
    }

    /// The value that comes first for the variable `name`, where there is any.
    pub(super) fn value(&self, name: &str) -> Result<Option<String>, VariableError> {
        let mut given = self.variables.iter().rev();
        if let Some((_, value)) = given.find(|(key, _)| key == name) {
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
