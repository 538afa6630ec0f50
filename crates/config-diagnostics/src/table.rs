//! Borrowed views of a document, for readers that look back and forth in it.

use crate::diagnostic::{Diagnostic, Diagnostics, InvalidFile};
use crate::document::{Node, Value};
use crate::suggestion::did_you_mean;

/// The position of a view in the file, and the item that messages name first.
#[derive(Clone)]
struct Position<'a> {
    file: &'a str,
    owner: String,
    line: Option<usize>,
}

impl Position<'_> {
    fn at(&self, line: Option<usize>) -> Self {
        Self {
            line: line.or(self.line),
            ..self.clone()
        }
    }

    fn diagnostic(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            field: self.owner.clone(),
            message: message.into(),
            line: self.line,
        }
    }
}

/// A table, however it is written: `[a.b]`, `a = { b = … }` or `a.b = …`.
#[derive(Clone)]
pub struct Table<'a> {
    position: Position<'a>,
    path: String,
    entries: &'a [(String, Node)],
}

impl<'a> Table<'a> {
    /// Parses `text` as TOML and passes the root table to `reader`. Diagnostics carry `file` as
    /// the path.
    ///
    /// # Errors
    ///
    /// The syntax errors, or the diagnostics that the reader returns.
    pub fn read<T>(
        file: &str,
        text: &str,
        reader: impl FnOnce(&Table<'_>) -> Result<T, Diagnostics>,
    ) -> Result<T, InvalidFile> {
        let invalid = |diagnostics| InvalidFile::new(file.into(), diagnostics);
        let root = Node::from_toml(text).map_err(invalid)?;
        let table = Table {
            position: Position {
                file,
                owner: String::new(),
                line: Some(1),
            },
            path: String::new(),
            entries: root.entries().unwrap_or_default(),
        };
        reader(&table).map_err(|found| invalid(found.0))
    }

    /// Returns the same table for messages that name `owner`, and leave out the keys that lead
    /// to it.
    #[must_use]
    pub fn owned_by(&self, owner: String) -> Self {
        let mut owned = self.clone();
        owned.position.owner = owner;
        owned.path.clear();
        owned
    }

    /// Returns `true` if the table has no keys.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the entry under `key`.
    pub fn get(&self, key: &str) -> Option<Entry<'a>> {
        let found = self.entries.iter().find(|(name, _)| name == key);
        found.map(|(key, node)| self.entry(key, node))
    }

    fn entry(&self, key: &'a str, node: &'a Node) -> Entry<'a> {
        Entry {
            position: self.position.at(node.line),
            key,
            path: self.path_to(key),
            is_item: false,
            node,
        }
    }

    fn path_to(&self, key: &str) -> String {
        let dot = if self.path.is_empty() { "" } else { "." };
        format!("{}{dot}{key}", self.path)
    }

    /// Returns the entry under `key`.
    ///
    /// # Errors
    ///
    /// The key is missing.
    pub fn require(&self, key: &str) -> Result<Entry<'a>, Diagnostics> {
        self.get(key)
            .ok_or_else(|| self.fault(format!("`{}` is missing", self.path_to(key))))
    }

    /// Returns the entries in the order of the document.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'a>> {
        let entries = self.entries.iter();
        entries.map(|(key, node)| self.entry(key, node))
    }

    /// Checks that every key is in `known`.
    ///
    /// # Errors
    ///
    /// All unknown keys, each with the nearest known one.
    pub fn only(&self, known: &[&str]) -> Result<(), Diagnostics> {
        let mut found = Diagnostics::default();
        for entry in self.entries().filter(|entry| !known.contains(&entry.key)) {
            found.keep::<()>(Err(entry.fault(format!(
                "unknown key `{}`{}",
                entry.path,
                did_you_mean(entry.key, known.iter().copied())
            ))));
        }
        found.or(())
    }

    /// Returns the string under `key`, or an empty one if the key is absent.
    ///
    /// # Errors
    ///
    /// The value is not a string.
    pub fn text(&self, key: &str) -> Result<&'a str, Diagnostics> {
        self.get(key).map_or(Ok(""), |entry| entry.string())
    }

    /// Returns the items of the list under `key`, or none if the key is absent.
    ///
    /// # Errors
    ///
    /// The value is not a list.
    pub fn list(&self, key: &str) -> Result<Vec<Entry<'a>>, Diagnostics> {
        self.get(key).map_or(Ok(Vec::new()), |entry| entry.items())
    }

    /// Returns the entries of the table under `key`, or none if the key is absent.
    ///
    /// # Errors
    ///
    /// The value is not a table.
    pub fn map(&self, key: &str) -> Result<Vec<Entry<'a>>, Diagnostics> {
        self.get(key).map_or(Ok(Vec::new()), |entry| {
            Ok(entry.table()?.entries().collect())
        })
    }

    /// Returns a diagnostic on the line of the table.
    pub fn fault(&self, message: impl Into<String>) -> Diagnostics {
        self.position.diagnostic(message).into()
    }
}

/// The value of a key, or an item of a list.
#[derive(Clone)]
pub struct Entry<'a> {
    position: Position<'a>,
    /// The key alone. An item of a list has the key of its list.
    pub key: &'a str,
    /// The key with those that lead to it from the owner, for example `build.command`.
    pub path: String,
    is_item: bool,
    node: &'a Node,
}

impl<'a> Entry<'a> {
    /// Returns `true` for a string.
    pub fn is_string(&self) -> bool {
        matches!(self.node.value, Value::Text(_))
    }

    /// Returns `true` for a boolean.
    pub fn is_boolean(&self) -> bool {
        matches!(self.node.value, Value::Bool(_))
    }

    /// Returns `true` for a list.
    pub fn is_list(&self) -> bool {
        matches!(self.node.value, Value::List(_))
    }

    /// Returns the string.
    ///
    /// # Errors
    ///
    /// The value has another type, as for the other accessors.
    pub fn string(&self) -> Result<&'a str, Diagnostics> {
        self.node.string().map_err(|reason| self.wrong(&reason))
    }

    /// Returns the boolean.
    #[expect(clippy::missing_errors_doc, reason = "see `string`")]
    pub fn boolean(&self) -> Result<bool, Diagnostics> {
        self.node.boolean().map_err(|reason| self.wrong(&reason))
    }

    /// Returns the whole number.
    #[expect(clippy::missing_errors_doc, reason = "see `string`")]
    pub fn integer(&self) -> Result<i64, Diagnostics> {
        self.node.integer().map_err(|reason| self.wrong(&reason))
    }

    /// Returns the table.
    #[expect(clippy::missing_errors_doc, reason = "see `string`")]
    pub fn table(&self) -> Result<Table<'a>, Diagnostics> {
        let entries = self.node.entries().map_err(|reason| self.wrong(&reason))?;
        Ok(Table {
            position: self.position.clone(),
            path: self.path.clone(),
            entries,
        })
    }

    /// Returns the items of the list, each with its own line.
    #[expect(clippy::missing_errors_doc, reason = "see `string`")]
    pub fn items(&self) -> Result<Vec<Entry<'a>>, Diagnostics> {
        let items = self.node.items().map_err(|reason| self.wrong(&reason))?;
        let item = |node: &'a Node| Entry {
            position: self.position.at(node.line),
            is_item: true,
            node,
            ..self.clone()
        };
        Ok(items.iter().map(item).collect())
    }

    /// Returns a diagnostic on the line of the entry.
    pub fn fault(&self, message: impl Into<String>) -> Diagnostics {
        self.position.diagnostic(message).into()
    }

    /// Returns a message that does not refuse the file, with file and line before it.
    pub fn warning(&self, message: impl Into<String>) -> String {
        let diagnostic = self.position.diagnostic(message);
        InvalidFile::new(self.position.file.into(), vec![diagnostic]).to_string()
    }

    fn wrong(&self, reason: &str) -> Diagnostics {
        let item = if self.is_item { "an item of " } else { "" };
        self.fault(format!("{item}`{}` {reason}", self.path))
    }
}
