//! A reader that consumes a table key by key: it records each fault and goes on.

use crate::diagnostic::Diagnostic;
use crate::document::{Node, Value};
use crate::suggestion::suggestion;

/// The longest `id` that stands for its table in a path.
const MAX_ID_LENGTH: usize = 64;

/// A table that is being read. [`Fields::finish`] reports the keys that were never read.
pub struct Fields<'f> {
    /// The keys that lead to the table.
    path: String,
    line: Option<usize>,
    unread: Vec<(String, Node)>,
    known: Vec<&'static str>,
    diagnostics: &'f mut Vec<Diagnostic>,
    /// The number of diagnostics when the table was opened. None of those is about this table.
    before: usize,
}

impl<'f> Fields<'f> {
    /// Opens the table that `node` holds. A node of another type is reported and read as empty.
    pub fn of(node: Node, path: impl Into<String>, diagnostics: &'f mut Vec<Diagnostic>) -> Self {
        let (path, line) = (path.into(), node.line);
        let unread = match node.value {
            Value::Table(entries) => entries,
            other => {
                diagnostics.push(Diagnostic {
                    field: path.clone(),
                    message: other.must_be("a table"),
                    line,
                });
                Vec::new()
            }
        };
        Self {
            path,
            line,
            unread,
            known: Vec::new(),
            before: diagnostics.len(),
            diagnostics,
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Node> {
        self.known.push(key);
        let at = self.unread.iter().position(|(name, _)| name == key)?;
        let (_, node) = self.unread.remove(at);
        (!matches!(node.value, Value::Null)).then_some(node)
    }

    /// Returns the value that `read` makes of `key`. `None` if the key is absent, or wrong and
    /// reported.
    pub fn get<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Node) -> Result<T, String>,
    ) -> Option<T> {
        let node = self.take(key)?;
        let line = node.line;
        read(node)
            .map_err(|message| self.fault_at(key, line, message))
            .ok()
    }

    /// Returns the value of a required key. An absent one is reported as `missing`.
    pub fn need<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Node) -> Result<T, String>,
    ) -> Option<T> {
        if !self.has(key) {
            self.known.push(key);
            self.fault(key, "missing");
            return None;
        }
        self.get(key, read)
    }

    /// Returns the values that `read` makes of the items of the list under `key`. Wrong items are
    /// reported and left out.
    pub fn list<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(Node) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let items = self.items(key)?;
        let mut all = Vec::with_capacity(items.len());
        for (index, node) in items.into_iter().enumerate() {
            let line = node.line;
            match read(node) {
                Ok(item) => all.push(item),
                Err(message) => self.fault_at(&format!("{key}[{index}]"), line, message),
            }
        }
        Some(all)
    }

    /// Reads the table under `key` if the key is present.
    pub fn table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Fields<'_>) -> T,
    ) -> Option<T> {
        if self.has(key) {
            return Some(self.section(key, read));
        }
        self.known.push(key);
        None
    }

    /// Reads the table under `key`. An absent one is read as empty, which yields the defaults.
    pub fn section<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Fields<'_>) -> T) -> T {
        let node = self.take(key).unwrap_or_else(Node::empty);
        let path = self.path_of(key);
        self.read_table(node, path, read)
    }

    /// Reads each table of the list under `key`. Diagnostics name it by its `id`, or by its index
    /// if it has none.
    pub fn tables<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Fields<'_>) -> T,
    ) -> Vec<T> {
        let items = self.items(key).unwrap_or_default();
        let mut all = Vec::with_capacity(items.len());
        for (index, node) in items.into_iter().enumerate() {
            let path = match id(&node) {
                Some(id) => self.path_of(&format!("{key}.{id}")),
                None => self.path_of(&format!("{key}[{index}]")),
            };
            all.push(self.read_table(node, path, &mut read));
        }
        all
    }

    /// Reads each table under `key`, whose names are not fixed.
    pub fn named<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Fields<'_>) -> T,
    ) -> Vec<(String, T)> {
        let path = self.path_of(key);
        let mut all = Vec::new();
        for (name, node) in self.open(key) {
            let value = self.read_table(node, format!("{path}.{name}"), &mut read);
            all.push((name, value));
        }
        all
    }

    /// Returns the strings of the table under `key`, with their names.
    pub fn texts(&mut self, key: &'static str) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for (name, node) in self.open(key) {
            match node.string() {
                Ok(text) => all.push((name, text.to_owned())),
                Err(message) => self.fault_at(&format!("{key}.{name}"), node.line, message),
            }
        }
        all
    }

    /// Returns `true` if `key` is present and unread.
    pub fn has(&self, key: &str) -> bool {
        self.unread_value(key)
            .is_some_and(|value| !matches!(value, Value::Null))
    }

    /// Returns `true` if `key` is present, unread and a table.
    pub fn is_table(&self, key: &str) -> bool {
        self.unread_value(key)
            .is_some_and(|value| matches!(value, Value::Table(_)))
    }

    fn unread_value(&self, key: &str) -> Option<&Value> {
        let found = self.unread.iter().find(|(name, _)| name == key);
        found.map(|(_, node)| &node.value)
    }

    /// Returns the line of the unread `key`, or the line of the table.
    pub fn line_of(&self, key: &str) -> Option<usize> {
        let found = self.unread.iter().find(|(name, _)| name == key);
        found.and_then(|(_, node)| node.line).or(self.line)
    }

    /// Reports a fault of the unread `key`.
    pub fn fault(&mut self, key: &str, message: impl Into<String>) {
        let line = self.line_of(key);
        self.fault_at(key, line, message);
    }

    /// Reports a fault of a key that was read, whose line the caller kept.
    pub fn fault_at(&mut self, key: &str, line: Option<usize>, message: impl Into<String>) {
        let (field, message) = (self.path_of(key), message.into());
        self.diagnostics.push(Diagnostic {
            field,
            message,
            line,
        });
    }

    /// Returns `true` if a fault within `key` was reported.
    pub fn any_fault_of(&self, key: &str) -> bool {
        let path = self.path_of(key);
        self.diagnostics[self.before..]
            .iter()
            .any(|diagnostic| diagnostic.field.starts_with(&path))
    }

    /// Reports the keys that were never read.
    pub fn finish(mut self) {
        for (key, node) in std::mem::take(&mut self.unread) {
            let message = format!("unknown key{}", suggestion(&key, &self.known));
            self.fault_at(&key, node.line, message);
        }
    }

    fn read_table<T>(
        &mut self,
        node: Node,
        path: String,
        read: impl FnOnce(&mut Fields<'_>) -> T,
    ) -> T {
        let mut fields = Fields::of(node, path, self.diagnostics);
        let value = read(&mut fields);
        fields.finish();
        value
    }

    /// Takes the entries of the table under `key`.
    fn open(&mut self, key: &'static str) -> Vec<(String, Node)> {
        let Some(node) = self.take(key) else {
            return Vec::new();
        };
        let path = self.path_of(key);
        Fields::of(node, path, self.diagnostics).unread
    }

    fn items(&mut self, key: &'static str) -> Option<Vec<Node>> {
        self.get(key, |node| match node.value {
            Value::List(items) => Ok(items),
            other => Err(other.must_be("a list")),
        })
    }

    fn path_of(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }
}

/// Returns the `id` of a table, if it is plain enough for a path: lower-case letters, digits, `_`
/// and `-`.
fn id(node: &Node) -> Option<&str> {
    let (_, id) = node.entries().ok()?.iter().find(|(key, _)| key == "id")?;
    let id = id.string().ok()?;
    let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let other = |byte: u8| first(byte) || matches!(byte, b'_' | b'-');
    let plain = id.bytes().next().is_some_and(first) && id.bytes().all(other);
    (plain && id.len() <= MAX_ID_LENGTH).then_some(id)
}
