//! Reading a table key by key: what is wrong is noted, and reading goes on.

use super::Fault;
use super::tree::{Node, Value};

/// How alike two keys are, from 0 to 1, for one to be meant by the other.
const ALIKE: f64 = 0.7;

/// A table that is being read. [`Fields::finish`] notes what nobody asked for.
pub struct Fields<'f> {
    /// The keys that lead here.
    path: String,
    line: Option<usize>,
    left: Vec<(String, Node)>,
    known: Vec<&'static str>,
    faults: &'f mut Vec<Fault>,
    /// Faults that were noted before this table was opened. None of them is within it.
    before: usize,
}

impl<'f> Fields<'f> {
    /// A node that has to be a table.
    pub fn of(node: Node, path: impl Into<String>, faults: &'f mut Vec<Fault>) -> Self {
        let (path, line) = (path.into(), node.line);
        let left = match node.value {
            Value::Table(entries) => entries,
            other => {
                let message = format!("{} where a table belongs", other.kind());
                faults.push(Fault {
                    field: path.clone(),
                    message,
                    line,
                });
                Vec::new()
            }
        };
        Self {
            path,
            line,
            left,
            known: Vec::new(),
            before: faults.len(),
            faults,
        }
    }

    /// What `key` holds, if it is there.
    fn take(&mut self, key: &'static str) -> Option<Node> {
        self.known.push(key);
        let at = self.left.iter().position(|(name, _)| name == key)?;
        let (_, node) = self.left.remove(at);
        (!matches!(node.value, Value::Null)).then_some(node)
    }

    /// What `read` makes of `key`, if it is there and right.
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

    /// The same for a key that has to be there.
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

    /// What `read` makes of each element of the list under `key`. Elements that are wrong are left
    /// out.
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

    /// Reads the table under `key`, if it is there.
    pub fn table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Fields<'_>) -> T,
    ) -> Option<T> {
        match self.has(key) {
            true => Some(self.section(key, read)),
            false => {
                self.known.push(key);
                None
            }
        }
    }

    /// Reads the table under `key`, which stands for its defaults where it is not there.
    pub fn section<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Fields<'_>) -> T) -> T {
        let node = self.take(key).unwrap_or_else(Node::empty);
        let path = self.path_of(key);
        let mut fields = Fields::of(node, path, self.faults);
        let made = read(&mut fields);
        fields.finish();
        made
    }

    /// Reads each table of the list under `key`. Errors name it by its `id`, or by its place.
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
            let mut fields = Fields::of(node, path, self.faults);
            all.push(read(&mut fields));
            fields.finish();
        }
        all
    }

    /// Reads each table under `key`, whose names are anybody's.
    pub fn named<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Fields<'_>) -> T,
    ) -> Vec<(String, T)> {
        let Some(node) = self.take(key) else {
            return Vec::new();
        };
        let path = self.path_of(key);
        let tables = std::mem::take(&mut Fields::of(node, path.clone(), self.faults).left);
        let mut all = Vec::with_capacity(tables.len());
        for (name, node) in tables {
            let mut fields = Fields::of(node, format!("{path}.{name}"), self.faults);
            let made = read(&mut fields);
            fields.finish();
            all.push((name, made));
        }
        all
    }

    /// The texts under `key`, by their names.
    pub fn texts(&mut self, key: &'static str) -> Vec<(String, String)> {
        let Some(node) = self.take(key) else {
            return Vec::new();
        };
        let path = self.path_of(key);
        let entries = std::mem::take(&mut Fields::of(node, path, self.faults).left);
        let mut all = Vec::with_capacity(entries.len());
        for (name, node) in entries {
            match node.value {
                Value::Text(text) => all.push((name, text)),
                other => {
                    let message = format!("{} where a string belongs", other.kind());
                    self.fault_at(&format!("{key}.{name}"), node.line, message);
                }
            }
        }
        all
    }

    /// Whether `key` is there.
    pub fn has(&self, key: &str) -> bool {
        let there =
            |(name, node): &(String, Node)| name == key && !matches!(node.value, Value::Null);
        self.left.iter().any(there)
    }

    /// Whether `key` holds a table.
    pub fn is_table(&self, key: &str) -> bool {
        let table =
            |(name, node): &(String, Node)| name == key && matches!(node.value, Value::Table(_));
        self.left.iter().any(table)
    }

    /// The line that `key` is on; the table's where it is not there.
    pub fn line_of(&self, key: &str) -> Option<usize> {
        let there = self.left.iter().find(|(name, _)| name == key);
        there.and_then(|(_, node)| node.line).or(self.line)
    }

    /// Notes that something is wrong with `key`.
    pub fn fault(&mut self, key: &str, message: impl Into<String>) {
        let line = self.line_of(key);
        self.fault_at(key, line, message);
    }

    /// The same for a key that was taken.
    pub fn fault_at(&mut self, key: &str, line: Option<usize>, message: impl Into<String>) {
        let (field, message) = (self.path_of(key), message.into());
        self.faults.push(Fault {
            field,
            message,
            line,
        });
    }

    /// Whether anything was wrong within `key` so far.
    pub fn any_fault_of(&self, key: &str) -> bool {
        let path = self.path_of(key);
        self.faults[self.before..]
            .iter()
            .any(|fault| fault.field.starts_with(&path))
    }

    /// Notes the keys that nobody asked for.
    pub fn finish(mut self) {
        for (key, node) in std::mem::take(&mut self.left) {
            let message = match nearest(&key, &self.known) {
                Some(known) => format!("unknown key; did you mean `{known}`?"),
                None => format!("unknown key; known are {}", listed(&self.known)),
            };
            self.fault_at(&key, node.line, message);
        }
    }

    fn items(&mut self, key: &'static str) -> Option<Vec<Node>> {
        self.get(key, |node| match node.value {
            Value::List(items) => Ok(items),
            other => Err(format!("{} where a list belongs", other.kind())),
        })
    }

    fn path_of(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }
}

/// The `id` that a table gives itself, where it can be shown in a path.
fn id(node: &Node) -> Option<&str> {
    let Value::Table(entries) = &node.value else {
        return None;
    };
    let (_, id) = entries.iter().find(|(key, _)| key == "id")?;
    match &id.value {
        Value::Text(id) if webhook_model::TenantId::parse(id).is_ok() => Some(id),
        _ => None,
    }
}

/// Of several names the one that was most likely meant.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let alike = |known: &&'a str| (strsim::jaro_winkler(name, known), *known);
    let ranked = known.iter().map(alike).filter(|(alike, _)| *alike >= ALIKE);
    ranked
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

/// What is wrong with a name that is none of those known.
pub fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(known) => format!("unknown {what} `{name}`; did you mean `{known}`?"),
        None => format!("unknown {what} `{name}`; known are {}", listed(known)),
    }
}

/// Names in quotes.
pub fn listed(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
