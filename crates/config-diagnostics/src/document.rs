//! Parsed documents: TOML with the line of each value, or JSON.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::Diagnostic;

/// A value and its line.
#[derive(Clone, Debug)]
pub struct Node {
    /// The line of the key, or of an item of a list, counted from 1. `None` for JSON.
    pub line: Option<usize>,
    /// The value.
    pub value: Value,
}

/// A value of TOML or JSON.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null` of JSON, which the readers treat as an absent key.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(String),
    /// An array, or an array of tables.
    List(Vec<Node>),
    /// A table or an object, in the order of the document.
    Table(Vec<(String, Node)>),
    /// A date or time of TOML, or a number out of range.
    Other,
}

impl Value {
    /// Returns the type with its article, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other => "a date or a number out of range",
        }
    }

    /// Returns the message for a value of the wrong type: `must be a string, not a number`.
    pub fn must_be(&self, expected: &str) -> String {
        format!("must be {expected}, not {}", self.kind())
    }
}

impl Node {
    /// Returns an empty table without a line.
    pub fn empty() -> Self {
        Self {
            line: None,
            value: Value::Table(Vec::new()),
        }
    }

    /// Parses a TOML document.
    ///
    /// # Errors
    ///
    /// All syntax errors.
    pub fn from_toml(text: &str) -> Result<Self, Vec<Diagnostic>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let lines = Lines::of(text);
        if errors.is_empty() {
            return Ok(Self {
                line: Some(1),
                value: Value::Table(entries(&lines, table.into_inner())),
            });
        }
        let diagnostic = |error: toml::de::Error| Diagnostic {
            field: String::new(),
            message: format!("invalid TOML: {}", error.message()),
            line: error.span().map(|span| lines.at(span.start)),
        };
        Err(errors.into_iter().map(diagnostic).collect())
    }

    /// Converts a JSON value.
    pub fn from_json(json: &serde_json::Value) -> Self {
        let value = match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(number), _) => Value::Int(number),
                (None, Some(number)) if number.is_finite() => Value::Float(number),
                _ => Value::Other,
            },
            serde_json::Value::String(text) => Value::Text(text.clone()),
            serde_json::Value::Array(items) => {
                Value::List(items.iter().map(Self::from_json).collect())
            }
            serde_json::Value::Object(entries) => {
                let entry = |(key, value): (&String, _)| (key.clone(), Self::from_json(value));
                Value::Table(entries.iter().map(entry).collect())
            }
        };
        Self { line: None, value }
    }

    /// Returns the string.
    ///
    /// # Errors
    ///
    /// The message for a value of another type, as for the other accessors.
    pub fn string(&self) -> Result<&str, String> {
        match &self.value {
            Value::Text(text) => Ok(text),
            other => Err(other.must_be("a string")),
        }
    }

    /// Returns the boolean.
    #[expect(clippy::missing_errors_doc, reason = "see `string`")]
    pub fn boolean(&self) -> Result<bool, String> {
        match &self.value {
            Value::Bool(value) => Ok(*value),
            other => Err(other.must_be("`true` or `false`")),
        }
    }

    /// Returns the whole number.
    #[expect(clippy::missing_errors_doc, reason = "see `string`")]
    pub fn integer(&self) -> Result<i64, String> {
        match &self.value {
            Value::Int(number) => Ok(*number),
            Value::Float(number) => Err(format!("must be a whole number, not {number}")),
            other => Err(other.must_be("a whole number")),
        }
    }

    /// Returns the items of the list.
    #[expect(clippy::missing_errors_doc, reason = "see `string`")]
    pub fn items(&self) -> Result<&[Node], String> {
        match &self.value {
            Value::List(items) => Ok(items),
            other => Err(other.must_be("a list")),
        }
    }

    /// Returns the entries of the table.
    #[expect(clippy::missing_errors_doc, reason = "see `string`")]
    pub fn entries(&self) -> Result<&[(String, Node)], String> {
        match &self.value {
            Value::Table(entries) => Ok(entries),
            other => Err(other.must_be("a table")),
        }
    }
}

fn node(lines: &Lines, from: Spanned<DeValue<'_>>) -> Node {
    let line = Some(lines.at(from.span().start));
    let value = match from.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => {
            let digits = number.as_str().replace('_', "");
            i64::from_str_radix(&digits, number.radix()).map_or(Value::Other, Value::Int)
        }
        DeValue::Float(number) => {
            let digits = number.as_str().replace('_', "");
            digits.parse().map_or(Value::Other, Value::Float)
        }
        DeValue::Boolean(value) => Value::Bool(value),
        DeValue::Datetime(_) => Value::Other,
        DeValue::Array(items) => {
            Value::List(items.into_iter().map(|item| node(lines, item)).collect())
        }
        DeValue::Table(table) => Value::Table(entries(lines, table)),
    };
    Node { line, value }
}

/// Converts the entries of a table, in the order of the text: the parser sorts them by name.
fn entries(lines: &Lines, table: DeTable<'_>) -> Vec<(String, Node)> {
    let mut entries: Vec<(Spanned<Cow<'_, str>>, _)> = table.into_iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let entry = |(key, value): (Spanned<Cow<'_, str>>, _)| {
        let value = Node {
            line: Some(lines.at(key.span().start)),
            ..node(lines, value)
        };
        (key.into_inner().into_owned(), value)
    };
    entries.into_iter().map(entry).collect()
}

/// The offsets of the line feeds of a text. Counting them anew for each value would take a time
/// that is quadratic in the length of the text.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// Returns the line of a byte, counted from 1.
    fn at(&self, byte: usize) -> usize {
        self.0.partition_point(|line_feed| *line_feed < byte) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_feed_is_the_last_byte_of_its_line() {
        let lines = Lines::of("a\n\nbc\r\n");
        let found: Vec<_> = (0..8).map(|byte| lines.at(byte)).collect();
        assert_eq!(found, [1, 1, 2, 3, 3, 3, 3, 4]);
        assert_eq!(Lines::of("").at(0), 1);
    }

    #[test]
    fn entries_keep_the_order_of_the_text_within_a_line() {
        let root = Node::from_toml("b = { z = 1, a = 2 }\na = 3").unwrap();
        let keys = |node: &Node| -> Vec<_> {
            let entries = node.entries().unwrap().iter();
            entries.map(|(key, _)| key.clone()).collect()
        };
        assert_eq!(keys(&root), ["b", "a"]);
        assert_eq!(keys(&root.entries().unwrap()[0].1), ["z", "a"]);
    }
}
