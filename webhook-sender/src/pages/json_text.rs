//! JSON with line breaks, for reading.

use std::mem::take;

/// Returns text with line breaks and indentation if it is JSON, else as it is.
pub fn readable(text: &str) -> String {
    match serde_json::from_str::<&serde_json::value::RawValue>(text) {
        Ok(_) => indented(text),
        Err(_) => text.to_owned(),
    }
}

/// Returns JSON text with line breaks and indentation. Everything but white space between tokens stays
/// as it is: the order of members, duplicate members, and how numbers are written.
pub fn indented(json: &str) -> String {
    let mut indenter = Indenter::default();
    json.chars().for_each(|char| indenter.take(char));
    indenter.out
}

/// The most levels that are indented, so that deeply nested data stays small.
const MAX_INDENT: usize = 32;

#[derive(Default)]
struct Indenter {
    out: String,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The last token opened an object or a list, which may turn out to be empty.
    opened: bool,
}

impl Indenter {
    fn take(&mut self, char: char) {
        if self.in_string {
            return self.take_in_string(char);
        }
        match char {
            ' ' | '\n' | '\r' | '\t' => {}
            '{' | '[' => {
                self.start_value();
                self.out.push(char);
                self.depth += 1;
                self.opened = true;
            }
            '}' | ']' => {
                self.depth = self.depth.saturating_sub(1);
                if !take(&mut self.opened) {
                    self.new_line();
                }
                self.out.push(char);
            }
            ',' => {
                self.out.push(char);
                self.new_line();
            }
            ':' => self.out.push_str(": "),
            other => {
                self.start_value();
                self.in_string = other == '"';
                self.out.push(other);
            }
        }
    }

    fn take_in_string(&mut self, char: char) {
        self.out.push(char);
        if take(&mut self.escaped) {
            return;
        }
        self.escaped = char == '\\';
        self.in_string = char != '"';
    }

    fn start_value(&mut self) {
        if take(&mut self.opened) {
            self.new_line();
        }
    }

    fn new_line(&mut self) {
        self.out.push('\n');
        let indent = self.depth.min(MAX_INDENT);
        (0..indent).for_each(|_| self.out.push_str("  "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_white_space_between_tokens_changes() {
        let cases = [
            ("null", "null"),
            ("{}", "{}"),
            ("[ ]", "[]"),
            ("[[],{}]", "[\n  [],\n  {}\n]"),
            (
                r#"{"b":1.0,"a":[1e2,"x, {y: \"z\"}"]}"#,
                "{\n  \"b\": 1.0,\n  \"a\": [\n    1e2,\n    \"x, {y: \\\"z\\\"}\"\n  ]\n}",
            ),
        ];
        for (json, expected) in cases {
            assert_eq!(indented(json), expected);
        }
    }

    #[test]
    fn deep_nesting_stays_small() {
        let depth = 10_000;
        let json = "[".repeat(depth) + &"]".repeat(depth);
        assert!(indented(&json).len() < 2 * depth * (2 * MAX_INDENT + 2));
    }
}
