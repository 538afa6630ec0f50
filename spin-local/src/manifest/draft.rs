//! Components of which only the names are known, so that the others can refer to them.

use config_diagnostics::{Diagnostics, Entry, Table, collect_all};

use super::identifier::is_kebab;
use crate::unsupported::unsupported_form;

/// A component of which only the name has been read.
pub(super) struct Draft<'a> {
    pub(super) id: String,
    pub(super) table: Table<'a>,
    /// Set by the trigger that names the component.
    pub(super) triggered: bool,
}

impl<'a> Draft<'a> {
    pub(super) fn new(id: String, table: &Table<'a>) -> Self {
        let table = table.owned_by(format!("component `{id}`"));
        Self {
            id,
            table,
            triggered: false,
        }
    }

    /// Returns the path of the WebAssembly file, as written.
    pub(super) fn source(&self) -> Result<&'a str, Diagnostics> {
        let source = self.table.require("source")?;
        let origin = match source.table() {
            Ok(table) if table.get("url").is_some() => " from a URL",
            Ok(table) if table.get("package").is_some() => " from a registry",
            _ => return source.string(),
        };
        let advice = "download the component and name the file";
        Err(unsupported_form(&source, origin, advice))
    }
}

/// Reads the names of the components in `[component.<id>]`.
pub(super) fn read_all<'a>(root: &Table<'a>) -> Result<Vec<Draft<'a>>, Diagnostics> {
    let draft = |entry: Entry<'a>| {
        let id = entry.key;
        if is_kebab(id) {
            Ok(Draft::new(id.to_owned(), &entry.table()?))
        } else {
            Err(entry.fault(format!("component `{id}` must be named in kebab-case")))
        }
    };
    collect_all(root.map("component")?.into_iter().map(draft))
}
