//! Reading the app's variables.

use crate::{SettingsError, Variables};

/// Returns the value of `name` without the line breaks at its end, which a value has that was read
/// from a file (`--variable name=@file`) and that no variable means.
///
/// # Errors
///
/// The platform has no value.
pub fn text(platform: &impl Variables, name: &'static str) -> Result<String, SettingsError> {
    let mut value = platform.variable(name)?;
    value.truncate(value.trim_end_matches(['\r', '\n']).len());
    Ok(value)
}

/// Returns the value of `name`, a secret that another system has to know to the letter.
///
/// # Errors
///
/// The platform has no value, or one that was copied together with something around it. The error
/// says what, and shows nothing of the value.
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
        return Some("stands in quotation marks");
    }
    if value.trim() != value {
        return Some("has white space around it");
    }
    let control = value.chars().any(char::is_control);
    control.then_some("has a control character in it")
}

/// Returns the value of `name`, which is `true` or `false`.
///
/// # Errors
///
/// It is neither, or the platform has no value.
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

    struct Holding(&'static str);

    impl Variables for Holding {
        fn variable(&self, _: &'static str) -> Result<String, PlatformError> {
            Ok(self.0.to_owned())
        }
    }

    #[test]
    fn the_line_break_at_the_end_of_a_file_is_no_part_of_a_value() {
        for held in ["s3cret", "s3cret\n", "s3cret\r\n", "s3cret\r", "s3cret\n\n"] {
            let read = secret(&Holding(held), "handshake_token");
            assert_eq!(read.as_deref(), Ok("s3cret"), "{held:?}");
        }
        assert_eq!(secret(&Holding("\n"), "signing_key").as_deref(), Ok(""));
        assert_eq!(switch(&Holding("true\n"), "open_handshake"), Ok(true));
    }

    #[test]
    fn a_secret_with_something_around_it_is_refused_by_what_it_is_and_not_shown() {
        for (held, found) in [
            ("\u{feff}s3cret", "byte order mark"),
            ("\"s3cret\"", "quotation marks"),
            ("'s3cret'\n", "quotation marks"),
            (" s3cret", "white space"),
            ("s3cret ", "white space"),
            ("s3cret\t\n", "white space"),
            ("s3\ncret", "control character"),
        ] {
            let refused = secret(&Holding(held), "signing_key").expect_err(held);
            let told = refused.to_string();
            assert!(
                told.contains("`signing_key`") && told.contains(found),
                "{told}"
            );
            assert!(
                !format!("{told}{refused:?}").contains("cret"),
                "{refused:?}"
            );
        }
    }
}
