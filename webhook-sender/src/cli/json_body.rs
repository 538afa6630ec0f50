//! Bodies of requests that contain JSON of the user byte for byte.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;
use serde_json::value::RawValue;

use super::exit::blocking;

/// Returns an object as JSON, with `data` as its last member.
///
/// # Errors
///
/// Fails if the data is not JSON.
pub fn with_data(object: &Value, data: &str) -> serde_json::Result<String> {
    serde_json::from_str::<&RawValue>(data)?;
    let object = object.to_string();
    let open = object.strip_suffix('}').unwrap_or(&object);
    let comma = if open == "{" { "" } else { "," };
    Ok(format!("{open}{comma}\"data\":{data}}}"))
}

/// Reads a file as text; `-` is standard input.
///
/// # Errors
///
/// Fails with the name of the file if it cannot be read, or is not UTF-8.
pub async fn read(file: PathBuf) -> Result<String> {
    blocking(move || {
        if file == Path::new("-") {
            return std::io::read_to_string(std::io::stdin()).context("standard input");
        }
        let text = std::fs::read_to_string(&file);
        text.with_context(|| format!("file `{}`", file.display()))
    })
    .await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn data_is_a_member_byte_for_byte() {
        let body = with_data(&json!({ "type": "a" }), " 1.0 ").unwrap();
        assert_eq!(body, r#"{"type":"a","data": 1.0 }"#);
        assert_eq!(with_data(&json!({}), "null").unwrap(), r#"{"data":null}"#);
        assert!(with_data(&json!({}), "1}").is_err());
    }
}
