//! `[variables]`: the variables of an app, with their values.

use config_diagnostics::{Diagnostics, Entry, Table, did_you_mean};

use super::identifier::is_lower_snake;
use super::overrides::Overrides;
use crate::variables::{Variable, Variables};

/// Reads the variables and their values. A required variable without a value is an error. A value
/// for a variable that the app does not have is a warning.
pub(super) fn read(
    root: &Table<'_>,
    overrides: &Overrides,
    warnings: &mut Vec<String>,
) -> Result<Variables, Diagnostics> {
    let mut found = Diagnostics::default();
    let mut variables = Variables::new();
    let mut without_value = Vec::new();
    for entry in root.map("variables")? {
        let Some((default, secret)) = found.keep(read_declaration(&entry)) else {
            continue;
        };
        let value = overrides.value(entry.key);
        let value =
            value.map_err(|error| entry.fault(format!("variable `{}`: {error}", entry.key)));
        let Some(value) = found.keep(value) else {
            continue;
        };
        match value.or(default) {
            Some(value) => {
                variables.insert(entry.key.to_owned(), Variable { value, secret });
            }
            None => without_value.push(entry),
        }
    }
    found.keep(refuse_without_value(&without_value));
    warnings.extend(unused_values(&variables, overrides));
    found.or(variables)
}

/// Returns the default, if the variable has one, and `true` for a secret variable.
fn read_declaration(entry: &Entry<'_>) -> Result<(Option<String>, bool), Diagnostics> {
    let name = entry.key;
    if !is_lower_snake(name) {
        return Err(entry.fault(format!(
            "variable `{name}` must be named in lower_snake_case"
        )));
    }
    let table = entry.table()?.owned_by(format!("variable `{name}`"));
    table.only(&["default", "description", "required", "secret"])?;
    table.text("description")?;
    let flag = |key| table.get(key).map_or(Ok(false), |entry| entry.boolean());
    let (required, secret) = (flag("required")?, flag("secret")?);
    let default = table.get("default").map(|entry| entry.string());
    match (required, default.transpose()?) {
        (true, None) => Ok((None, secret)),
        (false, Some(default)) => Ok((Some(default.to_owned()), secret)),
        (true, Some(_)) => Err(table.fault("`required = true` and a `default` exclude each other")),
        (false, None) => Err(table.fault("it needs either `required = true` or a `default`")),
    }
}

fn refuse_without_value(entries: &[Entry<'_>]) -> Result<(), Diagnostics> {
    let Some(first) = entries.first() else {
        return Ok(());
    };
    let names: Vec<_> = entries
        .iter()
        .map(|entry| format!("`{}`", entry.key))
        .collect();
    let plural = if names.len() == 1 { "" } else { "s" };
    Err(first.fault(format!(
        "required variable{plural} {} without a value: pass `--variable {}=…` or set `{}`",
        names.join(", "),
        first.key,
        format_args!("SPIN_VARIABLE_{}", first.key.to_ascii_uppercase()),
    )))
}

fn unused_values(variables: &Variables, overrides: &Overrides) -> Vec<String> {
    let names = overrides.variables.iter().map(|(name, _)| name);
    let unused = names.filter(|name| !variables.contains_key(*name));
    let warning = |name: &String| {
        let nearest = did_you_mean(name, variables.keys().map(String::as_str));
        format!("`--variable {name}=…` is not a variable of the app{nearest}")
    };
    unused.map(warning).collect()
}
