//! Output, for people or for programs.
//!
//! Nothing that the output shows can control the terminal: control characters are escaped.

use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};
use serde_json::Value;

/// Where answers go: a table for people, or JSON, one value a line.
#[derive(Clone, Copy)]
pub struct Output {
    json: bool,
}

/// A column: its head, and the member of a value it shows.
pub type Column = (&'static str, fn(&Value) -> String);

impl Output {
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether programs read it.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// One thing: JSON as it is, or the line that `text` makes of it.
    pub fn one(self, value: &Value, text: impl FnOnce(&Value) -> String) -> Result<()> {
        match self.json {
            true => print(&value.to_string()),
            false => print(&text(value)),
        }
    }

    /// Many things: JSON one a line, or a table.
    pub fn many(self, values: &[Value], columns: &[Column]) -> Result<()> {
        if self.json {
            return values
                .iter()
                .try_for_each(|value| print(&value.to_string()));
        }
        let head = columns.iter().map(|(head, _)| (*head).to_owned()).collect();
        let row = |value| columns.iter().map(|(_, cell)| cell(value)).collect();
        let rows: Vec<Vec<String>> = std::iter::once(head)
            .chain(values.iter().map(row))
            .collect();
        let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max();
        let widths: Vec<_> = (0..columns.len())
            .map(|at| width(at).unwrap_or(0))
            .collect();
        rows.iter().try_for_each(|row| {
            let cells = row.iter().zip(&widths);
            let line: Vec<_> = cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            print(line.join("  ").trim_end())
        })
    }
}

/// A text member in one line, or nothing.
pub fn text(value: &Value, name: &str) -> String {
    match value.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => one_line(text),
        Some(other) => other.to_string(),
    }
}

/// The reader of standard output is gone, which ends a command quietly.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed")]
pub struct OutputClosed;

/// Prints lines of text on standard output.
///
/// # Errors
///
/// [`OutputClosed`] where the reader is gone, and what else the system says.
pub fn print(text: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    match writeln!(output, "{}", printable(text)).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(OutputClosed.into()),
        written => written.context("standard output"),
    }
}

/// Text of several lines without anything else that controls a terminal, or that hides in which
/// order characters stand. The escapes are those of JSON, so that JSON stays what it was.
pub fn printable(text: &str) -> String {
    escaped(text, |c| c == '\n')
}

/// Text of others as a part of a line: line breaks are escaped as well.
pub fn one_line(text: &str) -> String {
    escaped(text, |_| false)
}

fn escaped(text: &str, is_kept: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if is_kept(c) || !controls(c) => escaped.push(c),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            c => escaped += &format!("\\u{:04x}", u32::from(c)),
        }
    }
    escaped
}

/// Whether a character controls the terminal, breaks lines, or reorders those around it.
fn controls(c: char) -> bool {
    let reorders = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || reorders || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_controls_a_terminal_is_escaped_and_json_stays_json() {
        let text = "a\u{1b}[2J\u{9b}b\u{7f}\r\n\tä\u{202e}\u{2028}\u{1f980}";
        let shown = "a\\u001b[2J\\u009bb\\u007f\\r\\n\\tä\\u202e\\u2028\u{1f980}";
        assert_eq!(one_line(text), shown);
        assert_eq!(printable("one\ntwo\u{9b}"), "one\ntwo\\u009b");
        let json = Value::from(text);
        let printed: Value = serde_json::from_str(&printable(&json.to_string())).unwrap();
        assert_eq!(printed, json);
    }
}
