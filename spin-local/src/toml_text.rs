//! A TOML file read key by key, so that whatever is wrong in it is told by file, line and name.
//!
//! Reading starts with [`read`], which hands the whole file to a function as a [`Table`]. From
//! there every [`Entry`] knows its line, what it belongs to and the name it goes by, and makes
//! the [`Fault`] that says so.

use std::fmt;

use toml_edit::{ArrayOfTables, Document, Item, TableLike, Value};

/// Something wrong in a file: where it stands, whose it is, and what is wrong with it.
///
/// Displayed as ``spin.toml:12: component `shop`: `source` is missing``.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    file: String,
    line: usize,
    owner: String,
    what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.owner.is_empty() {
            write!(f, "{}: ", self.owner)?;
        }
        f.write_str(&self.what)
    }
}

impl std::error::Error for Fault {}

/// Parses `text` and gives its root table to `reader`. `file` is the name that faults carry.
pub(crate) fn read<T>(
    file: &str,
    text: &str,
    reader: impl FnOnce(&Table<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let place = Place {
        file,
        text,
        owner: String::new(),
        line: 1,
    };
    let document = Document::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| place.line_of(span.start));
        place
            .at(line)
            .fault(format!("invalid TOML: {}", error.message()))
    })?;
    reader(&Table {
        place,
        path: String::new(),
        items: document.as_table(),
    })
}

/// Where in the file, and part of what.
#[derive(Clone)]
struct Place<'a> {
    file: &'a str,
    text: &'a str,
    owner: String,
    line: usize,
}

impl Place<'_> {
    fn line_of(&self, offset: usize) -> usize {
        let before = self.text.bytes().take(offset);
        before.filter(|byte| *byte == b'\n').count() + 1
    }

    fn at(&self, line: usize) -> Self {
        Self {
            line,
            ..self.clone()
        }
    }

    fn at_span(&self, span: Option<std::ops::Range<usize>>) -> Self {
        self.at(span.map_or(self.line, |span| self.line_of(span.start)))
    }

    fn fault(&self, what: String) -> Fault {
        Fault {
            file: self.file.to_owned(),
            line: self.line,
            owner: self.owner.clone(),
            what,
        }
    }
}

/// A table, however it is written: `[a.b]`, `a = { b = … }` or `a.b = …`.
#[derive(Clone)]
pub(crate) struct Table<'a> {
    place: Place<'a>,
    path: String,
    items: &'a dyn TableLike,
}

impl<'a> Table<'a> {
    /// The same table, where faults name `owner` and leave out the keys that led to it.
    pub(crate) fn of(&self, owner: String) -> Self {
        let mut owned = self.clone();
        owned.place.owner = owner;
        owned.path.clear();
        owned
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn get(&self, key: &str) -> Option<Entry<'a>> {
        let (key, item) = self.items.get_key_value(key)?;
        let value = match item {
            Item::None => return None,
            Item::Value(value) => Shape::Value(value),
            Item::Table(table) => Shape::Table(table),
            Item::ArrayOfTables(tables) => Shape::Tables(tables),
        };
        Some(Entry {
            place: self.place.at_span(key.span()),
            key: key.get(),
            path: self.path_to(key.get()),
            is_item: false,
            value,
        })
    }

    fn path_to(&self, key: &str) -> String {
        let dot = if self.path.is_empty() { "" } else { "." };
        format!("{}{dot}{key}", self.path)
    }

    pub(crate) fn require(&self, key: &str) -> Result<Entry<'a>, Fault> {
        self.get(key)
            .ok_or_else(|| self.fault(format!("`{}` is missing", self.path_to(key))))
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'a>> {
        self.items.iter().filter_map(|(key, _)| self.get(key))
    }

    /// Refuses every key that is not in `known`, with the nearest that is.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Fault> {
        let stranger = self.entries().find(|entry| !known.contains(&entry.key));
        stranger.map_or(Ok(()), |entry| {
            Err(entry.fault(format!(
                "unknown key `{}`{}",
                entry.path,
                did_you_mean(entry.key, known.iter().copied())
            )))
        })
    }

    /// The text under `key`, empty where there is none.
    pub(crate) fn text(&self, key: &str) -> Result<&'a str, Fault> {
        self.get(key).map_or(Ok(""), |entry| entry.string())
    }

    /// The list under `key`, empty where there is none.
    pub(crate) fn list(&self, key: &str) -> Result<Vec<Entry<'a>>, Fault> {
        self.get(key).map_or(Ok(Vec::new()), |entry| entry.items())
    }

    /// The entries of the table under `key`, none where there is no such table.
    pub(crate) fn map(&self, key: &str) -> Result<Vec<Entry<'a>>, Fault> {
        self.get(key).map_or(Ok(Vec::new()), |entry| {
            Ok(entry.table()?.entries().collect())
        })
    }

    pub(crate) fn fault(&self, what: impl Into<String>) -> Fault {
        self.place.fault(what.into())
    }
}

/// What a key of a table, or a place in a list, holds.
#[derive(Clone)]
pub(crate) struct Entry<'a> {
    place: Place<'a>,
    /// The key alone; a list item goes by the key of its list.
    pub(crate) key: &'a str,
    /// The key with those that lead to it from the owner: `build.command`.
    pub(crate) path: String,
    is_item: bool,
    value: Shape<'a>,
}

#[derive(Clone, Copy)]
enum Shape<'a> {
    Value(&'a Value),
    Table(&'a toml_edit::Table),
    Tables(&'a ArrayOfTables),
}

impl<'a> Entry<'a> {
    pub(crate) fn is_string(&self) -> bool {
        matches!(self.value, Shape::Value(Value::String(_)))
    }

    pub(crate) fn is_boolean(&self) -> bool {
        matches!(self.value, Shape::Value(Value::Boolean(_)))
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self.value, Shape::Tables(_) | Shape::Value(Value::Array(_)))
    }

    pub(crate) fn string(&self) -> Result<&'a str, Fault> {
        match self.value {
            Shape::Value(Value::String(text)) => Ok(text.value()),
            _ => Err(self.not("a string")),
        }
    }

    pub(crate) fn boolean(&self) -> Result<bool, Fault> {
        match self.value {
            Shape::Value(Value::Boolean(yes)) => Ok(*yes.value()),
            _ => Err(self.not("`true` or `false`")),
        }
    }

    pub(crate) fn integer(&self) -> Result<i64, Fault> {
        match self.value {
            Shape::Value(Value::Integer(number)) => Ok(*number.value()),
            _ => Err(self.not("a whole number")),
        }
    }

    pub(crate) fn table(&self) -> Result<Table<'a>, Fault> {
        let items: &'a dyn TableLike = match self.value {
            Shape::Table(table) => table,
            Shape::Value(Value::InlineTable(table)) => table,
            _ => return Err(self.not("a table")),
        };
        Ok(Table {
            place: self.place.clone(),
            path: self.path.clone(),
            items,
        })
    }

    /// The items of a list, each with its own line.
    pub(crate) fn items(&self) -> Result<Vec<Entry<'a>>, Fault> {
        let item = |value, span| Entry {
            place: self.place.at_span(span),
            is_item: true,
            value,
            ..self.clone()
        };
        match self.value {
            Shape::Value(Value::Array(list)) => {
                let values = list.iter();
                Ok(values.map(|v| item(Shape::Value(v), v.span())).collect())
            }
            Shape::Tables(list) => {
                let tables = list.iter();
                Ok(tables.map(|t| item(Shape::Table(t), t.span())).collect())
            }
            _ => Err(self.not("a list")),
        }
    }

    pub(crate) fn fault(&self, what: impl Into<String>) -> Fault {
        self.place.fault(what.into())
    }

    /// Refuses what Spin has and `spin-local` has not.
    pub(crate) fn unsupported(&self) -> Fault {
        self.fault(format!("`{}` is not supported by spin-local", self.path))
    }

    /// [`Entry::unsupported`], where only one form of it is not supported (`how`, with what
    /// leads up to it) and there is something to do about it.
    pub(crate) fn unsupported_form(&self, how: &str, instead: &str) -> Fault {
        self.fault(format!(
            "`{}`{how} is not supported by spin-local: {instead}",
            self.path
        ))
    }

    fn not(&self, wanted: &str) -> Fault {
        let found = match self.value {
            Shape::Value(Value::String(_)) => "a string",
            Shape::Value(Value::Integer(_) | Value::Float(_)) => "a number",
            Shape::Value(Value::Boolean(_)) => "`true` or `false`",
            Shape::Value(Value::Datetime(_)) => "a date",
            Shape::Value(Value::Array(_)) | Shape::Tables(_) => "a list",
            Shape::Value(Value::InlineTable(_)) | Shape::Table(_) => "a table",
        };
        let item = if self.is_item { "an item of " } else { "" };
        self.fault(format!(
            "{item}`{}` must be {wanted}, not {found}",
            self.path
        ))
    }
}

/// `, did you mean …?` with the one of `known` that is nearest to `given`, or nothing where none
/// is near.
pub(crate) fn did_you_mean<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    // Below this likeness the nearest name is a guess that misleads.
    const LIKENESS: f64 = 0.7;
    let nearest = known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(given, name), name))
        .filter(|(likeness, _)| *likeness > LIKENESS)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    nearest.map_or(String::new(), |(_, name)| {
        format!(", did you mean `{name}`?")
    })
}
