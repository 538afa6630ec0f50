//! `[[variables_provider]]`: where variables get their values from.

use std::path::PathBuf;

use crate::toml_text::{Entry, Fault, Table};
use crate::variables::Provider;

pub(super) fn read(root: &Table<'_>) -> Result<Vec<Provider>, Fault> {
    let list = match (root.get("variables_provider"), root.get("config_provider")) {
        (Some(_), Some(old)) => {
            return Err(old.fault("`config_provider` is the old name of `variables_provider`; both cannot stand together"));
        }
        (Some(list), None) | (None, Some(list)) => list,
        (None, None) => return Ok(Vec::new()),
    };
    list.items()?.iter().map(provider).collect()
}

fn provider(entry: &Entry<'_>) -> Result<Provider, Fault> {
    let table = entry.table()?.of("variables provider".to_owned());
    let kind = table.require("type")?;
    match kind.string()? {
        "static" => {
            table.only(&["type", "values"])?;
            let values = table.require("values")?.table()?;
            let pair = |value: Entry<'_>| Ok((value.key.to_owned(), value.string()?.to_owned()));
            let values = values.entries().map(pair).collect::<Result<_, _>>()?;
            Ok(Provider::Static(values))
        }
        "env" => {
            table.only(&["type", "prefix", "dotenv_path"])?;
            let text = |key| table.get(key).map(|entry| entry.string()).transpose();
            let file = text("dotenv_path")?.map(PathBuf::from);
            Ok(Provider::environment(text("prefix")?, file))
        }
        other => Err(kind.fault(format!(
            "`type` `{other}` is not supported by spin-local, which has `static` and `env`"
        ))),
    }
}
