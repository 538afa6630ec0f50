//! Access to the app's variables.

use crate::{SettingsError, Variables};

/// Returns the value of `name` without line breaks at its end, which come with a value from a file
/// (`--variable name=@file`).
///
/// # Errors
///
/// Returns an error if the platform has no value.
pub fn text(platform: &impl Variables, name: &'static str) -> Result<String, SettingsError> {
    let mut value = platform.variable(name)?;
    value.truncate(value.trim_end_matches(['\r', '\n']).len());
    Ok(value)
}

/// Returns the value of `name`, a secret that must match exactly.
///
/// # Errors
///
/// Returns an error if the platform has no value, or if the value was copied with an addition. The
/// error names the addition, and contains no part of the value.
pub fn secret(platform: &impl Variables, name: &'static str) -> Result<String, SettingsError> {
    let value = text(platform, name)?;
    match near_miss(&value) {
        None => Ok(value),
        Some(found) => Err(SettingsError::NearMiss { name, found }),
    }
}

fn near_miss(value: &str) -> Option<&'static str> {
    let quote = ['"', '\'', '`'];
    if value.starts_with('\u{feff}') {
        return Some("begins with a byte order mark");
    }
    if value.starts_with(quote) && value.ends_with(quote) {
        return Some("is in quotation marks");
    }
    if value.trim() != value {
        return Some("has white space around it");
    }
    let control = value.chars().any(char::is_control);
    control.then_some("contains a control character")
}

/// Returns the value of `name`, which is `true` or `false`.
///
/// # Errors
///
/// Returns an error if it is neither, or if the platform has no value.
pub fn switch(platform: &impl Variables, name: &'static str) -> Result<bool, SettingsError> {
    let value = text(platform, name)?;
    let wanted = "`true` or `false`";
    value.parse().map_err(|_| SettingsError::Value {
        name,
        value,
        wanted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PlatformError;

    struct Fixed(&'static str);

    impl Variables for Fixed {
        fn variable(&self, _: &'static str) -> Result<String, PlatformError> {
            Ok(self.0.to_owned())
        }
    }

    #[test]
    fn line_breaks_at_the_end_of_a_value_are_dropped() {
        for value in ["s3cret", "s3cret\n", "s3cret\r\n", "s3cret\r", "s3cret\n\n"] {
            let read = secret(&Fixed(value), "handshake_token");
            assert_eq!(read.as_deref(), Ok("s3cret"), "{value:?}");
        }
        assert_eq!(secret(&Fixed("\n"), "signing_key").as_deref(), Ok(""));
        assert_eq!(switch(&Fixed("true\n"), "open_handshake"), Ok(true));
    }

    #[test]
    fn an_addition_to_a_secret_is_reported_without_the_secret() {
        for (value, found) in [
            ("\u{feff}s3cret", "byte order mark"),
            ("\"s3cret\"", "quotation marks"),
            ("'s3cret'\n", "quotation marks"),
            (" s3cret", "white space"),
            ("s3cret ", "white space"),
            ("s3cret\t\n", "white space"),
            ("s3\ncret", "control character"),
        ] {
            let error = secret(&Fixed(value), "signing_key").expect_err(value);
            let text = error.to_string();
            assert!(
                text.contains("`signing_key`") && text.contains(found),
                "{text}"
            );
            assert!(!format!("{text}{error:?}").contains("cret"), "{error:?}");
        }
    }
}
