//! Where variables get their values from, beside the command line and the manifest.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::VariableError;

/// What Spin puts, with a `_`, before the name of a variable that it looks for in the environment.
const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE";

/// A place outside the manifest where variables get their values from.
#[derive(Clone)]
pub enum Provider {
    /// Values by the variable's name.
    Static(BTreeMap<String, String>),
    /// The process's environment, then a file of lines `NAME=value`, where a variable goes by
    /// `<PREFIX>_<NAME>` in upper case.
    Environment {
        prefix: String,
        /// Relative to the working directory. A file that is not there holds nothing.
        file: Option<PathBuf>,
    },
}

impl Provider {
    /// The environment, with Spin's prefix `SPIN_VARIABLE` where `prefix` is none.
    pub fn environment(prefix: Option<&str>, file: Option<PathBuf>) -> Self {
        Self::Environment {
            prefix: prefix.unwrap_or(ENVIRONMENT_PREFIX).to_owned(),
            file,
        }
    }

    /// The value of the variable `name`, where this provider has one. `process` is the
    /// environment to look in.
    pub fn get(
        &self,
        name: &str,
        process: &BTreeMap<OsString, OsString>,
    ) -> Result<Option<String>, VariableError> {
        match self {
            Self::Static(values) => Ok(values.get(name).cloned()),
            Self::Environment { prefix, file } => {
                let key = format!("{prefix}_{}", name.to_ascii_uppercase());
                match process.get(OsStr::new(&key)) {
                    Some(value) => Ok(Some(utf8(&key, value)?)),
                    None => file.as_deref().map_or(Ok(None), |file| in_file(file, &key)),
                }
            }
        }
    }
}

fn utf8(key: &str, value: &OsStr) -> Result<String, VariableError> {
    let text = value.to_str().map(str::to_owned);
    text.ok_or_else(|| VariableError::NotUtf8(key.to_owned()))
}

fn in_file(file: &Path, key: &str) -> Result<Option<String>, VariableError> {
    let Ok(lines) = dotenvy::from_path_iter(file) else {
        return Ok(None);
    };
    let mut found = None;
    for line in lines {
        // The error of `dotenvy` quotes the line, value and all.
        let (name, value) = line.map_err(|_| VariableError::Values {
            path: file.to_owned(),
            detail: "a line is not `NAME=value`".to_owned(),
        })?;
        if name == key {
            found = Some(value);
        }
    }
    Ok(found)
}
