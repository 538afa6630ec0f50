//! Answers, for people or for programs.

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

/// A text member, or nothing.
pub fn text(value: &Value, name: &str) -> String {
    match value.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The reader of standard output is gone, which ends a command quietly.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed")]
pub struct OutputClosed;

/// Prints a line on standard output.
///
/// # Errors
///
/// [`OutputClosed`] where the reader is gone, and what else the system says.
pub fn print(line: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    match writeln!(output, "{line}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(OutputClosed.into()),
        written => written.context("standard output"),
    }
}
