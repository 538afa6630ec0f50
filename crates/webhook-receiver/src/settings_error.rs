//! The reasons why a setting is invalid.

use crate::PlatformError;

/// The reason why the settings could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The platform has no value.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// A value is malformed.
    #[error("variable `{name}` is `{value}`; expected {wanted}")]
    Value {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// The valid values.
        wanted: &'static str,
    },
    /// A secret was copied with an addition.
    #[error("variable `{name}` {found}")]
    NearMiss {
        /// The variable.
        name: &'static str,
        /// The fault, as the end of a sentence about the variable.
        found: &'static str,
    },
}
