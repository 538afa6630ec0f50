//! `[variables]`: what variables an app has, and the values they get.

use super::given::Given;
use super::identifier::is_lower_snake;
use crate::toml_text::{Entry, Fault, Table, did_you_mean};
use crate::variables::{Variable, Variables};

/// Reads the variables and gives each its value. A required one that nothing gives a value is
/// refused. A value that is given to no variable of the app becomes a warning.
pub(super) fn read(
    root: &Table<'_>,
    given: &Given,
    warnings: &mut Vec<String>,
) -> Result<Variables, Fault> {
    let mut variables = Variables::new();
    let mut without_value = Vec::new();
    for entry in root.map("variables")? {
        let (default, secret) = read_declaration(&entry)?;
        let given = given
            .value(entry.key)
            .map_err(|error| entry.fault(format!("variable `{}`: {error}", entry.key)))?;
        match given.or(default) {
            Some(value) => {
                variables.insert(entry.key.to_owned(), Variable { value, secret });
            }
            None => without_value.push(entry),
        }
    }
    refuse_without_value(&without_value)?;
    warnings.extend(given_to_none(&variables, given));
    Ok(variables)
}

/// The default, where there is one, and whether the variable is secret.
fn read_declaration(entry: &Entry<'_>) -> Result<(Option<String>, bool), Fault> {
    let name = entry.key;
    if !is_lower_snake(name) {
        return Err(entry.fault(format!(
            "variable `{name}` must be named in lower_snake_case"
        )));
    }
    let table = entry.table()?.of(format!("variable `{name}`"));
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

fn refuse_without_value(entries: &[Entry<'_>]) -> Result<(), Fault> {
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

fn given_to_none(variables: &Variables, given: &Given) -> Vec<String> {
    let names = given.variables.iter().map(|(name, _)| name);
    let strangers = names.filter(|name| !variables.contains_key(*name));
    let warning = |name: &String| {
        let nearest = did_you_mean(name, variables.keys().map(String::as_str));
        format!("`--variable {name}=…` is not a variable of the app{nearest}")
    };
    strangers.map(warning).collect()
}
