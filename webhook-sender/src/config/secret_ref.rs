//! References to secrets outside of the file: `env:NAME` and `file:PATH`.

#![allow(
    clippy::disallowed_methods,
    reason = "`env:NAME` is an environment variable"
)]

use std::env::VarError;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use config_diagnostics::Node;
use zeroize::Zeroizing;

use super::read;

/// The most bytes of a file that holds a secret.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// A secret text. Its `Debug` output does not contain it.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// Resolves a reference and parses its value with `read`: `env:NAME` is an environment variable,
/// `file:PATH` the content of a file without trailing line breaks, and any other text the value itself.
/// A relative path starts at `folder`.
///
/// # Errors
///
/// Fails if the variable or the file cannot be read, or if `read` rejects the value. The error names
/// the variable or the file, and never contains the value.
pub fn resolve<T>(
    text: String,
    folder: &Path,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, String> {
    let text = Zeroizing::new(text);
    if let Some(meant) = misspelt(&text) {
        return Err(format!("it looks like a reference; write `{meant}`"));
    }
    let (owner, found) = if let Some(name) = text.strip_prefix("env:") {
        (format!("environment variable `{name}`"), variable(name))
    } else if let Some(path) = text.strip_prefix("file:") {
        let path = folder.join(path);
        (format!("file `{}`", path.display()), read_file(&path))
    } else {
        return read(&text);
    };
    let read = found.and_then(|found| read(&found));
    read.map_err(|error| format!("{owner}: {error}"))
}

/// Returns a parser of secret texts. It rejects empty texts and near misses, such as quoted ones.
pub fn secret(folder: &Path) -> impl Fn(Node) -> Result<Token, String> {
    move |node| {
        resolve(read::text(node)?, folder, |text| {
            let checked = webhook_signature::check_text(text).map_err(|error| error.to_string());
            checked.map(|()| Token::new(text))
        })
    }
}

/// Returns the intended form of a misspelt reference, which would otherwise be used as the secret
/// itself.
fn misspelt(text: &str) -> Option<String> {
    let bare = text.trim();
    for prefix in ["env:", "file:"] {
        let start = bare.get(..prefix.len());
        let is_meant = start.is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        if is_meant && !text.starts_with(prefix) {
            return Some(format!(
                "{prefix}{}",
                if prefix == "env:" { "NAME" } else { "PATH" }
            ));
        }
    }
    let is_variable = bare.starts_with("${") && bare.ends_with('}');
    is_variable.then(|| "env:NAME".into())
}

fn variable(name: &str) -> Result<Zeroizing<String>, String> {
    match std::env::var(name) {
        Ok(value) => Ok(Zeroizing::new(value)),
        Err(VarError::NotPresent) => Err("not set".into()),
        Err(VarError::NotUnicode(_)) => Err("not UTF-8".into()),
    }
}

/// Reads a secret file. The length in its metadata is not used, because that of a pipe is 0.
fn read_file(path: &Path) -> Result<Zeroizing<String>, String> {
    let mut text = Zeroizing::new(String::new());
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text))
        .map_err(|error| error.to_string())?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("larger than {MAX_FILE_BYTES} bytes"));
    }
    let length = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(length);
    Ok(text)
}
