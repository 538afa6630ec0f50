//! Values that are kept out of the file.

use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use super::read;
use super::tree::Node;

/// The most bytes of a file that holds a secret.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// A text that is shown to nobody.
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

/// What a text leads to: `env:NAME` to a variable of the environment, `file:PATH` to a file's
/// content without the line feeds at its end, any other text to itself. A relative path starts at
/// `folder`.
///
/// # Errors
///
/// What is missing; nothing of what was found.
pub fn resolve(text: String, folder: &Path) -> Result<Token, String> {
    let found = if let Some(name) = text.strip_prefix("env:") {
        std::env::var(name).map_err(|_| format!("environment variable `{name}` is not set"))?
    } else if let Some(path) = text.strip_prefix("file:") {
        read_file(&folder.join(path))?
    } else {
        text
    };
    match found.is_empty() {
        true => Err("empty".into()),
        false => Ok(Token::new(found)),
    }
}

/// The same, of a value.
pub fn secret(folder: &Path) -> impl Fn(Node) -> Result<Token, String> {
    move |node| resolve(read::text(node)?, folder)
}

fn read_file(path: &Path) -> Result<String, String> {
    let cannot = |error: std::io::Error| format!("file `{}`: {error}", path.display());
    let length = path.metadata().map_err(cannot)?.len();
    if length > MAX_FILE_BYTES {
        return Err(format!(
            "file `{}` of {length} bytes is too large",
            path.display()
        ));
    }
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(cannot)?);
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
