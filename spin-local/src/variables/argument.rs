//! What follows `--variable` on the command line.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use super::VariableError;

/// Reads what follows `--variable`: `name=value`, `name=@file` (the file's text is the value),
/// `@file.json` or `@file.toml` (a table of names and strings).
pub(crate) fn read_argument(argument: &str) -> Result<Vec<(String, String)>, VariableError> {
    if let Some(path) = argument.strip_prefix('@') {
        return read_table(Path::new(path));
    }
    let (name, value) = argument
        .split_once('=')
        .ok_or_else(|| VariableError::Argument(argument.to_owned()))?;
    let value = match value.strip_prefix('@') {
        Some(path) => read_text(Path::new(path))?,
        None => value.to_owned(),
    };
    Ok(vec![(name.to_owned(), value)])
}

fn read_text(path: &Path) -> Result<String, VariableError> {
    std::fs::read_to_string(path).map_err(|cause| VariableError::Read {
        path: path.to_owned(),
        cause,
    })
}

fn read_table(path: &Path) -> Result<Vec<(String, String)>, VariableError> {
    let kind = path.extension().and_then(OsStr::to_str);
    if !matches!(kind, Some("json" | "toml")) {
        return Err(VariableError::FileKind(path.to_owned()));
    }
    let text = read_text(path)?;
    let values = match kind {
        Some("json") => from_json(&text),
        _ => from_toml(&text),
    };
    values.map_err(|detail| VariableError::Values {
        path: path.to_owned(),
        detail,
    })
}

fn from_json(text: &str) -> Result<Vec<(String, String)>, String> {
    // The category and the place only: the error's own words may quote a value.
    let values: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("it is not a JSON object at line {line} column {column}")
        })?;
    let strings = values.into_iter().map(|(name, value)| match value {
        serde_json::Value::String(text) => Ok((name, text)),
        _ => Err(format!("`{name}` is not a string")),
    });
    strings.collect()
}

fn from_toml(text: &str) -> Result<Vec<(String, String)>, String> {
    let document = toml_edit::Document::parse(text).map_err(|error| error.message().to_owned())?;
    let strings = document.iter().map(|(name, item)| match item.as_str() {
        Some(text) => Ok((name.to_owned(), text.to_owned())),
        None => Err(format!("`{name}` is not a string")),
    });
    strings.collect()
}
