//! The arguments of `--variable`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use config_diagnostics::Node;

use super::error::VariableError;

/// Reads an argument of `--variable`: `name=value`, `name=@file` (the file's text is the value),
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
    // Only the position: the message of the error may quote a value.
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
    // Only the position: the message of the parser may quote a value.
    let document = Node::from_toml(text).map_err(|errors| {
        let line = errors.first().and_then(|error| error.line);
        format!("it is not TOML at line {}", line.unwrap_or(1))
    })?;
    let entries = document.entries().unwrap_or_default().iter();
    let strings = entries.map(|(name, node)| match node.string() {
        Ok(text) => Ok((name.clone(), text.to_owned())),
        Err(_) => Err(format!("`{name}` is not a string")),
    });
    strings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hunter2";

    #[test]
    fn an_invalid_argument_is_reported_by_its_name() {
        let missing = "No such file or directory (os error 2)";
        for (argument, expected) in [
            (
                "host",
                "`host` is neither `name=value` nor `@file`".to_owned(),
            ),
            (
                "@values.yaml",
                "`@values.yaml` must end in `.json` or `.toml`".to_owned(),
            ),
            (
                "@missing.json",
                format!("cannot read `missing.json`: {missing}"),
            ),
            (
                "host=@missing.txt",
                format!("cannot read `missing.txt`: {missing}"),
            ),
        ] {
            let error = read_argument(argument).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn an_error_about_a_file_of_values_contains_no_value() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("list.json", r#"["hunter2"]"#),
            ("broken.json", r#"{"key": "hunter2""#),
            ("number.json", r#"{"key": "hunter2", "port": 80}"#),
            ("broken.toml", "key = hunter2"),
            ("number.toml", "key = \"hunter2\"\nport = 80"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let error = read_argument(&format!("@{}", path.display())).unwrap_err();
            assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
        }
    }
}
