//! The names by which a guest requests variables.

/// The error of an invalid name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the name of a variable: it must consist of lower-case letters and digits, start \
     with a letter, and have only single underscores between them"
)]
pub(crate) struct InvalidName(String);

/// Checks a name by the rules that Spin applies to guests.
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
    use super::*;

    #[test]
    fn names_of_variables_follow_the_rules_of_spin() {
        for name in ["a", "abc", "a1b2c3", "a_1", "a_1_b_3"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in [
            "", "aX", "1bc", "_x", "x.y", "x_", "a__b", "x-y", "a b", "é",
        ] {
            assert_eq!(check_name(name), Err(InvalidName(name.to_owned())));
        }
    }
}
