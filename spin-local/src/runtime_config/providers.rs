//! `[[variables_provider]]`: the sources of values for variables.

use std::path::PathBuf;

use config_diagnostics::{Diagnostics, Entry, Table, collect_all};

use crate::variables::Provider;

pub(super) fn read(root: &Table<'_>) -> Result<Vec<Provider>, Diagnostics> {
    let list = match (root.get("variables_provider"), root.get("config_provider")) {
        (Some(_), Some(old)) => {
            let message = "`config_provider` is the old name of `variables_provider`, and they exclude \
                           each other";
            return Err(old.fault(message));
        }
        (Some(list), None) | (None, Some(list)) => list,
        (None, None) => return Ok(Vec::new()),
    };
    collect_all(list.items()?.iter().map(provider))
}

fn provider(entry: &Entry<'_>) -> Result<Provider, Diagnostics> {
    let table = entry.table()?.owned_by("variables provider".to_owned());
    let kind = table.require("type")?;
    match kind.string()? {
        "static" => {
            table.only(&["type", "values"])?;
            let values = table.require("values")?.table()?;
            let pair = |value: Entry<'_>| Ok((value.key.to_owned(), value.string()?.to_owned()));
            collect_all(values.entries().map(pair)).map(Provider::Static)
        }
        "env" => {
            table.only(&["type", "prefix", "dotenv_path"])?;
            let text = |key| table.get(key).map(|entry| entry.string()).transpose();
            let file = text("dotenv_path")?.map(PathBuf::from);
            Ok(Provider::environment(text("prefix")?, file))
        }
        other => Err(kind.fault(format!(
            "`type` `{other}` is not supported by spin-local; supported are `static` and `env`"
        ))),
    }
}
