//! Sources of values for variables, besides the command line and the manifest.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::error::VariableError;

/// The prefix of Spin for environment variables, which a `_` separates from the name.
const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE";

/// A source of values for variables.
#[derive(Clone)]
pub enum Provider {
    /// Values by the names of variables.
    Static(BTreeMap<String, String>),
    /// The environment of the process, then a file of lines `NAME=value`. The variable `name` is
    /// `<PREFIX>_<NAME>` in both.
    Environment {
        /// The prefix without the underscore.
        prefix: String,
        /// The file, relative to the working directory. A missing file has no values.
        file: Option<PathBuf>,
    },
}

impl Provider {
    /// Returns a provider for the environment. The default prefix is Spin's `SPIN_VARIABLE`.
    pub fn environment(prefix: Option<&str>, file: Option<PathBuf>) -> Self {
        Self::Environment {
            prefix: prefix.unwrap_or(ENVIRONMENT_PREFIX).to_owned(),
            file,
        }
    }

    /// Returns the value of the variable `name`, if this provider has one. `process` is the
    /// environment of the process.
    ///
    /// # Errors
    ///
    /// The value is not UTF-8, or the file is invalid.
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
                    None => file
                        .as_deref()
                        .map_or(Ok(None), |file| find_in_file(file, &key)),
                }
            }
        }
    }
}

fn utf8(key: &str, value: &OsStr) -> Result<String, VariableError> {
    let text = value.to_str().map(str::to_owned);
    text.ok_or_else(|| VariableError::NotUtf8(key.to_owned()))
}

fn find_in_file(file: &Path, key: &str) -> Result<Option<String>, VariableError> {
    let Ok(lines) = dotenvy::from_path_iter(file) else {
        return Ok(None);
    };
    let mut found = None;
    for line in lines {
        // The error of `dotenvy` quotes the line with its value.
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

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hunter2";

    #[test]
    fn an_error_about_an_environment_file_contains_no_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        std::fs::write(&path, "SPIN_VARIABLE_KEY='hunter2\n").unwrap();
        let provider = Provider::environment(None, Some(path));
        let error = provider.get("key", &BTreeMap::new()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    }

    #[test]
    #[cfg(unix)]
    fn an_environment_variable_that_is_not_utf8_is_reported_by_its_name() {
        use std::os::unix::ffi::OsStringExt;
        let value = OsString::from_vec(vec![0xff]);
        let process = BTreeMap::from([("SPIN_VARIABLE_KEY".into(), value)]);
        let error = Provider::environment(None, None)
            .get("key", &process)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the environment variable `SPIN_VARIABLE_KEY` is not UTF-8"
        );
    }
}
