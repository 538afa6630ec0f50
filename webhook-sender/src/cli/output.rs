//! Output as text or JSON.
//!
//! Control characters are escaped, so that printed content cannot control the terminal.

use std::io::{ErrorKind, IsTerminal, Write};

use anyhow::{Context, Result};
use serde_json::Value;

/// The form of the output: a table, or JSON with one value per line.
#[derive(Clone, Copy)]
pub struct Output {
    json: bool,
}

/// A column: its title, and a function that returns the cell of a value.
pub type Column = (&'static str, fn(&Value) -> String);

impl Output {
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Returns `true` for JSON.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// Prints one value as JSON, or as the result of `text`.
    pub fn one(self, value: &Value, text: impl FnOnce(&Value) -> String) -> Result<()> {
        if self.json {
            print(&value.to_string())
        } else {
            print(&text(value))
        }
    }

    /// Prints values as JSON, one per line, or as a table.
    pub fn many(self, values: &[Value], columns: &[Column]) -> Result<()> {
        if self.json {
            return values
                .iter()
                .try_for_each(|value| print(&value.to_string()));
        }
        let lines = table(values, columns);
        lines.iter().try_for_each(|line| print(line))
    }
}

/// Returns the lines of a table, the titles first.
pub fn table(values: &[Value], columns: &[Column]) -> Vec<String> {
    let head = columns.iter().map(|(head, _)| (*head).to_owned()).collect();
    let row = |value| columns.iter().map(|(_, cell)| cell(value)).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head)
        .chain(values.iter().map(row))
        .collect();
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max();
    let widths: Vec<_> = (0..columns.len())
        .map(|at| width(at).unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Returns a member of a value in one line, or an empty text if it is missing.
pub fn text(value: &Value, name: &str) -> String {
    match value.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => one_line(text),
        Some(other) => other.to_string(),
    }
}

/// The error of a closed standard output, which ends a command silently.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed")]
pub struct OutputClosed;

/// Prints lines of text on standard output.
///
/// # Errors
///
/// Fails with [`OutputClosed`] if the reader is gone, and with other errors of the system.
pub fn print(text: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    match writeln!(output, "{}", printable(text)).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(OutputClosed.into()),
        written => written.context("standard output"),
    }
}

/// Writes bytes to standard output. On a terminal they are printed as text, in which controls are
/// escaped.
///
/// # Errors
///
/// Fails with [`OutputClosed`] if the reader is gone, and with other errors of the system.
pub fn bytes(bytes: &[u8]) -> Result<()> {
    let mut output = std::io::stdout().lock();
    if output.is_terminal() {
        drop(output);
        return print(&String::from_utf8_lossy(bytes));
    }
    match output.write_all(bytes).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(OutputClosed.into()),
        written => written.context("standard output"),
    }
}

/// Escapes everything except line breaks that controls a terminal or reorders characters. The escapes
/// are those of JSON, so that JSON keeps its meaning.
pub fn printable(text: &str) -> String {
    escaped(text, |c| c == '\n')
}

/// Escapes text for use within a line, including line breaks.
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

/// Returns `true` for characters that control the terminal, break lines or reorder text.
fn controls(c: char) -> bool {
    let reorders = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || reorders || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_controls_are_escaped_and_json_keeps_its_meaning() {
        let text = "a\u{1b}[2J\u{9b}b\u{7f}\r\n\tä\u{202e}\u{2028}\u{1f980}";
        let shown = "a\\u001b[2J\\u009bb\\u007f\\r\\n\\tä\\u202e\\u2028\u{1f980}";
        assert_eq!(one_line(text), shown);
        assert_eq!(printable("one\ntwo\u{9b}"), "one\ntwo\\u009b");
        let json = Value::from(text);
        let printed: Value = serde_json::from_str(&printable(&json.to_string())).unwrap();
        assert_eq!(printed, json);
    }
}
