//! Text from outside: of publishers, receivers and sources.

use std::fmt::{self, Write};

use serde::Deserialize;

/// Text that a publisher, a tenant or a receiver wrote. Its `Display` makes characters visible that would
/// change how a reader sees the text around them: control characters, such as those of terminal escapes,
/// and characters that reorder or hide text. Templates escape the result, so that it is never markup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// Returns the text as it came, for addresses and for form fields, which must not change it.
    pub fn raw(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Into<String>> From<T> for Text {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| write_visibly(f, char))
    }
}

fn write_visibly(f: &mut fmt::Formatter<'_>, char: char) -> fmt::Result {
    match char {
        '\n' | '\t' => f.write_char(char),
        '\0'..='\x1f' => f.write_char(picture(char)),
        '\x7f' => f.write_char('\u{2421}'),
        '\u{80}'..='\u{9f}' => write!(f, "⟨U+{:04X}⟩", u32::from(char)),
        _ if reorders_or_hides(char) => write!(f, "⟨U+{:04X}⟩", u32::from(char)),
        _ => f.write_char(char),
    }
}

/// Returns the control picture of a C0 control character: `␛` for an escape.
fn picture(char: char) -> char {
    char::from_u32(0x2400 + u32::from(char)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Returns `true` for the explicit directional characters of Unicode (UAX 9, section 2), for line and
/// paragraph separators, and for characters without a width that no script needs.
fn reorders_or_hides(char: char) -> bool {
    matches!(
        char,
        '\u{061c}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_would_change_what_a_reader_sees_are_visible() {
        let cases = [
            ("plain, ünïcode, 👩‍🔧", "plain, ünïcode, 👩‍🔧"),
            ("two\nlines\tand a tab", "two\nlines\tand a tab"),
            ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
            ("a\0b\r\x7f", "a␀b␍␡"),
            ("\u{9b}31m", "⟨U+009B⟩31m"),
            ("gpj.\u{202e}exe", "gpj.⟨U+202E⟩exe"),
            ("\u{2066}a\u{2069}\u{feff}", "⟨U+2066⟩a⟨U+2069⟩⟨U+FEFF⟩"),
        ];
        for (given, shown) in cases {
            assert_eq!(Text::from(given).to_string(), shown);
        }
    }
}
