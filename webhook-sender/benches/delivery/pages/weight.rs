//! The bytes that a browser receives at its first visit.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::publish::Reader;
use crate::sender::Sender;

/// The starts of the attributes whose files a browser loads by itself.
const LOADED: [&str; 3] = ["<link ", "<script ", "<img "];

/// Returns the bytes of a page and of the files that it loads.
pub async fn of_first_visit(sender: &Sender, path: &str) -> Result<usize> {
    let mut reader = Reader::to(sender).await?;
    let page = reader.get(path).await?;
    let mut bytes = page.len();
    for file in files(&String::from_utf8_lossy(&page)) {
        if !file.starts_with("/ui/") {
            bail!("{path} loads `{file}`");
        }
        bytes += reader.get(&file).await?.len();
    }
    Ok(bytes)
}

/// Returns the addresses of the files that a page loads. The pages have no inline styles or scripts, and the
/// policy that is sent with them lets stylesheets load only `data:` addresses.
fn files(page: &str) -> BTreeSet<String> {
    let elements = LOADED.iter().flat_map(|start| page.split(start).skip(1));
    let attribute = |element: &str| {
        let element = element.split('>').next()?;
        let value = [" href=\"", " src=\""]
            .iter()
            .find_map(|name| Some(format!(" {element}").split_once(name)?.1.to_owned()))?;
        value.split('"').next().map(str::to_owned)
    };
    elements.filter_map(attribute).collect()
}
