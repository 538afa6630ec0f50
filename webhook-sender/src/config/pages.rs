//! `[pages]`

use config_diagnostics::{Fields, Node};
use url::Url;

use super::read::{self, flag};

/// `[pages]`: the pages at `/ui`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PagesConfig {
    pub enabled: bool,
    /// The origin under which browsers reach the pages; default: that of each request.
    pub url: Option<String>,
    /// The origins of the pages that may frame a tenant's portal.
    pub embed_origins: Vec<String>,
}

impl PagesConfig {
    pub(super) fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            enabled: fields.get("enabled", flag).unwrap_or(true),
            url: fields.get("url", origin),
            embed_origins: fields.list("embed_origins", origin).unwrap_or_default(),
        }
    }
}

/// Parses an origin: a scheme, a host and perhaps a port. It becomes part of a header, so it is written
/// as the URL standard does.
fn origin(node: Node) -> Result<String, String> {
    let text = read::text(node)?;
    let wrong = || format!("`{text}` is not an origin such as `https://example.com`");
    let url = Url::parse(&text).map_err(|_| wrong())?;
    let is_web = matches!(url.scheme(), "http" | "https");
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let has_user = !url.username().is_empty() || url.password().is_some();
    if !is_web || !is_bare || has_user {
        return Err(wrong());
    }
    Ok(url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use config_diagnostics::Value;

    use super::*;

    #[test]
    fn only_an_origin_can_become_part_of_a_header() {
        let read = |text: &str| {
            origin(Node {
                line: None,
                value: Value::Text(text.into()),
            })
        };
        assert_eq!(
            read("https://Shop.Example/").unwrap(),
            "https://shop.example"
        );
        assert_eq!(
            read("http://localhost:8080").unwrap(),
            "http://localhost:8080"
        );
        for wrong in [
            "shop.example",
            "https://shop.example/page",
            "https://me@shop.example",
            "https://a.example; script-src *",
            "data:text/html,x",
            "*",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
