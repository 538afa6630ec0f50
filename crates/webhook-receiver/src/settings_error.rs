//! The errors of reading the app's variables.

use crate::PlatformError;

/// Why the settings could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The platform gave no value.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// A value has not the form it needs.
    #[error("variable `{name}` is `{value}`, and has to be {wanted}")]
    Value {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it could be.
        wanted: &'static str,
    },
    /// A secret was copied together with something around it.
    #[error("variable `{name}` {found}")]
    NearMiss {
        /// The variable.
        name: &'static str,
        /// The fault, as the end of a sentence about the variable.
        found: &'static str,
    },
}
