//! What was written, before anything is made of it: TOML with its lines, or JSON.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Fault;

/// A value and the line it is on.
#[derive(Clone, Debug)]
pub struct Node {
    pub line: Option<usize>,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub enum Value {
    /// JSON only. Stands for what is not there.
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    /// In the order of the text; the line is the key's.
    Table(Vec<(String, Node)>),
    /// A date or time of TOML, or a number that no key takes.
    Other,
}

impl Value {
    /// What it is, for people.
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
}

impl Node {
    /// A table with nothing in it.
    pub fn empty() -> Self {
        Self {
            line: None,
            value: Value::Table(Vec::new()),
        }
    }

    /// # Errors
    ///
    /// Where the text is not TOML.
    pub fn from_toml(text: &str) -> Result<Self, Vec<Fault>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let lines = Lines::of(text);
        if errors.is_empty() {
            return Ok(node(&lines, table.map_into()));
        }
        let fault = |error: toml::de::Error| Fault {
            field: String::new(),
            message: error.message().to_owned(),
            line: error.span().map(|span| lines.at(span.start)),
        };
        Err(errors.into_iter().map(fault).collect())
    }

    pub fn from_json(json: &serde_json::Value) -> Self {
        let value = match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(truth) => Value::Bool(*truth),
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
}

/// A table as a value, keeping its place.
trait MapInto<'i> {
    fn map_into(self) -> Spanned<DeValue<'i>>;
}

impl<'i> MapInto<'i> for Spanned<DeTable<'i>> {
    fn map_into(self) -> Spanned<DeValue<'i>> {
        let span = self.span();
        Spanned::new(span, DeValue::Table(self.into_inner()))
    }
}

fn node(lines: &Lines, from: Spanned<DeValue<'_>>) -> Node {
    let line = Some(lines.at(from.span().start));
    let value = match from.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => {
            let digits = number.as_str().replace('_', "");
            match i64::from_str_radix(&digits, number.radix()) {
                Ok(number) => Value::Int(number),
                Err(_) => Value::Other,
            }
        }
        DeValue::Float(number) => match number.as_str().replace('_', "").parse() {
            Ok(number) => Value::Float(number),
            Err(_) => Value::Other,
        },
        DeValue::Boolean(truth) => Value::Bool(truth),
        DeValue::Datetime(_) => Value::Other,
        DeValue::Array(items) => {
            Value::List(items.into_iter().map(|item| node(lines, item)).collect())
        }
        DeValue::Table(entries) => Value::Table(table(lines, entries)),
    };
    Node { line, value }
}

fn table(lines: &Lines, entries: DeTable<'_>) -> Vec<(String, Node)> {
    let entry = |(key, value): (Spanned<_>, _)| {
        let line = lines.at(key.span().start);
        let mut value = node(lines, value);
        value.line = Some(line);
        (std::borrow::Cow::into_owned(key.into_inner()), value)
    };
    let mut entries: Vec<_> = entries.into_iter().map(entry).collect();
    entries.sort_by_key(|(_, value)| value.line);
    entries
}

/// The places of the line feeds of a text. Every value is looked up in it, so that counting them
/// anew for each would take a time that is quadratic in the length of the text.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// Returns the line that a byte is on, counted from 1.
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
}
