//! Shortens texts of third parties for logs and dead letters.

use std::fmt::{self, Display, Write};

/// The most characters of a reason.
const MAX_CHARS: usize = 300;

/// Returns the start of a text, in one line and with a lower-case first letter, without formatting
/// all of it.
pub fn short(text: &(impl Display + ?Sized)) -> String {
    struct Short(String, usize);
    impl Write for Short {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            for c in text.chars() {
                self.1 = self.1.checked_sub(1).ok_or(fmt::Error)?;
                let first = self.0.is_empty();
                self.0.push(match c {
                    c if c.is_control() => ' ',
                    c if first => c.to_ascii_lowercase(),
                    c => c,
                });
            }
            Ok(())
        }
    }
    let mut short = Short(String::new(), MAX_CHARS);
    if write!(short, "{text}").is_err() {
        short.0.push('…');
    }
    short.0
}
