//! The values of an app's variables, and the `{{ … }}` templates that use them.
//!
//! A variable has the value that the first of these gives: `--variable`, the providers of the
//! runtime configuration in their order, the process's environment as `SPIN_VARIABLE_<NAME>`,
//! the file `.env`, and the default in the manifest. That is Spin's order.
//!
//! Values may be secret: nothing here has a `Debug`, and no error holds a value.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What Spin puts, with a `_`, before the name of a variable that it looks for in the environment.
const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE";

/// Why a variable could not be given a value, or a template could not be used.
#[derive(Debug, thiserror::Error)]
pub enum VariableError {
    #[error("`{0}` is neither `name=value` nor `@file`")]
    Argument(String),
    #[error("`@{}` must end in `.json` or `.toml`", .0.display())]
    FileKind(PathBuf),
    #[error("`{}` cannot be read: {source}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    /// The detail names a place in the file and never a value.
    #[error("`{}` does not map names to strings: {detail}", path.display())]
    Values { path: PathBuf, detail: String },
    #[error("the environment variable `{0}` is not UTF-8")]
    NotUtf8(String),
    #[error("`{{{{` without `}}}}`")]
    Unclosed,
    #[error("`{name}` is not a variable of the app{nearest}")]
    Unknown { name: String, nearest: String },
}

/// Why a guest may not ask for a variable of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no name of a variable: those are lower-case letters and digits, start with a \
     letter, and have single underscores between them only"
)]
pub(crate) struct InvalidName(String);

/// Refuses what can be no variable's name, by the rules Spin holds a guest to.
pub(crate) fn check_name(name: &str) -> Result<(), InvalidName> {
    let letters = |word: &str| {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        !word.is_empty() && word.chars().all(allowed)
    };
    let starts_with_letter = name.starts_with(|c: char| c.is_ascii_lowercase());
    if starts_with_letter && name.split('_').all(letters) {
        Ok(())
    } else {
        Err(InvalidName(name.to_owned()))
    }
}

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

/// Reads what follows `--variable`: `name=value`, `name=@file` (the file's text is the value),
/// `@file.json` or `@file.toml` (a table of names and strings).
pub fn read_argument(argument: &str) -> Result<Vec<(String, String)>, VariableError> {
    if let Some(path) = argument.strip_prefix('@') {
        return read_table(Path::new(path));
    }
    let (name, value) = argument
        .split_once('=')
        .ok_or_else(|| VariableError::Argument(argument.to_owned()))?;
    let value = match value.strip_prefix('@') {
        Some(path) => read_text(Path::new(path))?,
        None => value.to_owned(),
    };
    Ok(vec![(name.to_owned(), value)])
}

fn read_text(path: &Path) -> Result<String, VariableError> {
    std::fs::read_to_string(path).map_err(|source| VariableError::Read {
        path: path.to_owned(),
        source,
    })
}

fn read_table(path: &Path) -> Result<Vec<(String, String)>, VariableError> {
    let kind = path.extension().and_then(OsStr::to_str);
    if !matches!(kind, Some("json" | "toml")) {
        return Err(VariableError::FileKind(path.to_owned()));
    }
    let text = read_text(path)?;
    let values = match kind {
        Some("json") => from_json(&text),
        _ => from_toml(&text),
    };
    values.map_err(|detail| VariableError::Values {
        path: path.to_owned(),
        detail,
    })
}

fn from_json(text: &str) -> Result<Vec<(String, String)>, String> {
    // The category and the place only: the error's own words may quote a value.
    let values: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("it is not a JSON object at line {line} column {column}")
        })?;
    let strings = values.into_iter().map(|(name, value)| match value {
        serde_json::Value::String(text) => Ok((name, text)),
        _ => Err(format!("`{name}` is not a string")),
    });
    strings.collect()
}

fn from_toml(text: &str) -> Result<Vec<(String, String)>, String> {
    let document = toml_edit::Document::parse(text).map_err(|error| error.message().to_owned())?;
    let strings = document.iter().map(|(name, item)| match item.as_str() {
        Some(text) => Ok((name.to_owned(), text.to_owned())),
        None => Err(format!("`{name}` is not a string")),
    });
    strings.collect()
}

/// A value of an app's variable.
pub(crate) struct Variable {
    pub(crate) value: String,
    /// Whether the manifest says that the value is secret.
    pub(crate) secret: bool,
}

/// An app's variables by name.
pub(crate) type Variables = BTreeMap<String, Variable>;

/// Text with `{{ name }}` where the value of a variable goes.
pub(crate) struct Template<'t>(Vec<Part<'t>>);

enum Part<'t> {
    Literal(&'t str),
    Variable(&'t str),
}

impl<'t> Template<'t> {
    pub(crate) fn parse(mut text: &'t str) -> Result<Self, VariableError> {
        let mut parts = Vec::new();
        while let Some((literal, rest)) = text.split_once("{{") {
            let (name, rest) = rest.split_once("}}").ok_or(VariableError::Unclosed)?;
            parts.push(Part::Literal(literal));
            parts.push(Part::Variable(name.trim()));
            text = rest;
        }
        parts.push(Part::Literal(text));
        Ok(Self(parts))
    }

    pub(crate) fn is_literal(&self) -> bool {
        self.names().next().is_none()
    }

    /// Whether the value of a secret variable goes into it.
    pub(crate) fn is_secret(&self, variables: &Variables) -> bool {
        self.names()
            .any(|name| variables.get(name).is_some_and(|v| v.secret))
    }

    fn names(&self) -> impl Iterator<Item = &'t str> {
        self.0.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Variable(name) => Some(*name),
        })
    }

    /// The text with every variable's value in its place.
    pub(crate) fn fill(&self, variables: &Variables) -> Result<String, VariableError> {
        let parts = self.0.iter().map(|part| match part {
            Part::Literal(text) => Ok(*text),
            Part::Variable(name) => match variables.get(*name) {
                Some(variable) => Ok(variable.value.as_str()),
                None => Err(unknown(name, variables)),
            },
        });
        parts.collect()
    }
}

fn unknown(name: &str, variables: &Variables) -> VariableError {
    VariableError::Unknown {
        name: name.to_owned(),
        nearest: crate::toml_text::did_you_mean(name, variables.keys().map(String::as_str)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hunter2";

    #[test]
    fn names_a_guest_may_ask_for_are_spins() {
        for name in ["a", "abc", "a1b2c3", "a_1", "a_1_b_3"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in [
            "", "aX", "1bc", "_x", "x.y", "x_", "a__b", "x-y", "a b", "é",
        ] {
            assert_eq!(check_name(name), Err(InvalidName(name.to_owned())));
        }
    }

    #[test]
    fn an_argument_that_cannot_be_read_is_refused_by_name() {
        let missing = "No such file or directory (os error 2)";
        for (argument, expected) in [
            (
                "host",
                "`host` is neither `name=value` nor `@file`".to_owned(),
            ),
            (
                "@values.yaml",
                "`@values.yaml` must end in `.json` or `.toml`".to_owned(),
            ),
            (
                "@missing.json",
                format!("`missing.json` cannot be read: {missing}"),
            ),
            (
                "host=@missing.txt",
                format!("`missing.txt` cannot be read: {missing}"),
            ),
        ] {
            let error = read_argument(argument).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn no_error_about_a_file_of_values_shows_a_value() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("list.json", r#"["hunter2"]"#),
            ("broken.json", r#"{"key": "hunter2""#),
            ("number.json", r#"{"key": "hunter2", "port": 80}"#),
            ("broken.toml", "key = hunter2"),
            ("number.toml", "key = \"hunter2\"\nport = 80"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let error = read_argument(&format!("@{}", path.display())).unwrap_err();
            assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
        }
        let path = folder.path().join(".env");
        std::fs::write(&path, "SPIN_VARIABLE_KEY='hunter2\n").unwrap();
        let provider = Provider::environment(None, Some(path));
        let error = provider.get("key", &BTreeMap::new()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    }

    #[test]
    #[cfg(unix)]
    fn an_environment_variable_that_is_not_text_is_refused_by_name() {
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
