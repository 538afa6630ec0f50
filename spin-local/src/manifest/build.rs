//! `build`: the commands with which `spin build` builds a component.

use std::path::Path;

use config_diagnostics::{Diagnostics, Table, collect_all};

/// The build of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Shell commands, run one after the other.
    pub commands: Vec<String>,
    /// The working directory, relative to the folder of the app. Empty for that folder.
    pub workdir: String,
}

pub(super) fn read(component: &Table<'_>) -> Result<Option<Build>, Diagnostics> {
    let Some(build) = component.get("build") else {
        return Ok(None);
    };
    let build = build.table()?;
    build.only(&["command", "workdir", "watch"])?;
    collect_all::<(), ()>(build.list("watch")?.iter().map(|it| it.string().map(drop)))?;
    let commands = read_commands(&build)?;
    let workdir = build.text("workdir")?.to_owned();
    if Path::new(&workdir).has_root() {
        let entry = build.require("workdir")?;
        return Err(entry.fault(format!("`{}` must be relative", entry.path)));
    }
    Ok(Some(Build { commands, workdir }))
}

/// Reads `command`: a command, or a list of commands.
pub(super) fn read_commands(build: &Table<'_>) -> Result<Vec<String>, Diagnostics> {
    let command = build.require("command")?;
    if command.is_string() {
        return Ok(vec![command.string()?.to_owned()]);
    }
    let items = command.items()?;
    collect_all(items.iter().map(|item| Ok(item.string()?.to_owned())))
}
