//! `build`: how `spin build` makes a component.

use std::path::Path;

use crate::toml_text::{Entry, Fault, Table};

/// The commands that make a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Run by the shell one after the other.
    pub commands: Vec<String>,
    /// The folder to run them in, below that of the app; empty for that one.
    pub workdir: String,
}

pub(super) fn read(component: &Table<'_>) -> Result<Option<Build>, Fault> {
    let Some(build) = component.get("build") else {
        return Ok(None);
    };
    let build = build.table()?;
    build.only(&["command", "workdir", "watch"])?;
    for pattern in build.list("watch")? {
        pattern.string()?;
    }
    let commands = read_commands(&build)?;
    let workdir = build.text("workdir")?.to_owned();
    if Path::new(&workdir).has_root() {
        let entry = build.require("workdir")?;
        return Err(entry.fault(format!("`{}` must be relative", entry.path)));
    }
    Ok(Some(Build { commands, workdir }))
}

/// The command, or the list of them.
pub(super) fn read_commands(build: &Table<'_>) -> Result<Vec<String>, Fault> {
    let command = build.require("command")?;
    if command.is_string() {
        return Ok(vec![command.string()?.to_owned()]);
    }
    let text = |entry: Entry<'_>| Ok(entry.string()?.to_owned());
    command.items()?.into_iter().map(text).collect()
}
