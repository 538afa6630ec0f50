//! The errors of variables and templates.

use std::path::PathBuf;

/// The error of a variable without a usable value, or of an invalid template.
#[derive(Debug, thiserror::Error)]
pub enum VariableError {
    /// An argument of `--variable` has the wrong form.
    #[error("`{0}` is neither `name=value` nor `@file`")]
    Argument(String),
    /// A file of values has another extension.
    #[error("`@{}` must end in `.json` or `.toml`", .0.display())]
    FileKind(PathBuf),
    /// A file cannot be read.
    #[error("cannot read `{}`: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        cause: std::io::Error,
    },
    /// A file of values has the wrong form. The detail is a position in the file, never a value.
    #[error("`{}` does not map names to strings: {detail}", path.display())]
    Values {
        /// The file.
        path: PathBuf,
        /// The position and the reason.
        detail: String,
    },
    /// An environment variable is not UTF-8.
    #[error("the environment variable `{0}` is not UTF-8")]
    NotUtf8(String),
    /// A template has an opening bracket only.
    #[error("`{{{{` without `}}}}`")]
    Unclosed,
    /// A template uses an unknown variable.
    #[error("`{name}` is not a variable of the app{nearest}")]
    Unknown {
        /// The name in the template.
        name: String,
        /// The suggestion of a known name, or an empty string.
        nearest: String,
    },
}
