//! The values of an app's variables, and the `{{ … }}` templates that use them.
//!
//! A variable has the value that the first of these gives: `--variable`, the providers of the
//! runtime configuration in their order, the process's environment as `SPIN_VARIABLE_<NAME>`,
//! the file `.env`, and the default in the manifest. That is Spin's order.
//!
//! Values may be secret: what holds one has no `Debug`, and no error holds one.

mod argument;
mod provider;
mod template;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub(crate) use argument::read_argument;
pub use provider::Provider;
pub(crate) use template::Template;

/// Why a variable could not be given a value, or a template could not be used.
#[derive(Debug, thiserror::Error)]
pub enum VariableError {
    #[error("`{0}` is neither `name=value` nor `@file`")]
    Argument(String),
    #[error("`@{}` must end in `.json` or `.toml`", .0.display())]
    FileKind(PathBuf),
    #[error("`{}` cannot be read: {cause}", path.display())]
    Read {
        path: PathBuf,
        cause: std::io::Error,
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

/// A value of an app's variable.
pub(crate) struct Variable {
    pub(crate) value: String,
    /// Whether the manifest says that the value is secret.
    pub(crate) secret: bool,
}

/// An app's variables by name.
pub(crate) type Variables = BTreeMap<String, Variable>;

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

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

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
