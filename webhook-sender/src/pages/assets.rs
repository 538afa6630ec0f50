//! The stylesheets and scripts, which are part of the program.

use std::io::Write;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// An address contains the hash of the content, so the content at an address never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// An embedded file.
pub struct Asset {
    name: &'static str,
    kind: &'static str,
    plain: Bytes,
    gzip: Bytes,
    hash: String,
    /// The address under which the file is served.
    pub href: String,
}

/// All embedded files.
pub struct Assets {
    pub pico: Asset,
    pub style: Asset,
    pub htmx: Asset,
    pub script: Asset,
    pub icon: Asset,
}

/// Compressed once, at the first use.
pub static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    pico: Asset::new(
        "pico.css",
        CSS,
        include_bytes!("../../assets/vendor/pico/pico.fluid.classless.min.css"),
    ),
    style: Asset::new("pages.css", CSS, include_bytes!("../../assets/pages.css")),
    htmx: Asset::new(
        "htmx.js",
        JS,
        include_bytes!("../../assets/vendor/htmx/htmx.min.js"),
    ),
    script: Asset::new("pages.js", JS, include_bytes!("../../assets/pages.js")),
    icon: Asset::new("icon.svg", SVG, include_bytes!("../../assets/icon.svg")),
});

impl Assets {
    fn all(&self) -> [&Asset; 5] {
        [
            &self.pico,
            &self.style,
            &self.htmx,
            &self.script,
            &self.icon,
        ]
    }
}

impl Asset {
    fn new(name: &'static str, kind: &'static str, content: &'static [u8]) -> Self {
        let digest = Sha256::digest(content);
        let hash = hex::encode(digest.get(..8).unwrap_or_default());
        Self {
            name,
            kind,
            plain: Bytes::from_static(content),
            gzip: compressed(content),
            href: format!("/ui/assets/{hash}/{name}"),
            hash,
        }
    }
}

/// Returns the content compressed, or nothing if compression fails.
fn compressed(content: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(content);
    let ended = written.and_then(|()| encoder.finish());
    ended.map(Bytes::from).unwrap_or_default()
}

/// Serves an embedded file.
pub async fn serve(
    Path((hash, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    let all = ASSETS.all().into_iter();
    let mut found = all.filter(|asset| asset.name == name && asset.hash == hash);
    let asset = found.next().ok_or(StatusCode::NOT_FOUND)?;
    let common = [
        (CONTENT_TYPE, asset.kind),
        (CACHE_CONTROL, FOREVER),
        (VARY, ACCEPT_ENCODING.as_str()),
    ];
    let tag = [(ETAG, format!("\"{hash}\""))];
    if accepts_gzip(&headers) && !asset.gzip.is_empty() {
        let encoding = [(CONTENT_ENCODING, "gzip")];
        return Ok((common, tag, encoding, asset.gzip.clone()).into_response());
    }
    Ok((common, tag, asset.plain.clone()).into_response())
}

/// Returns `true` if the client lists gzip without excluding it (RFC 9110, section 12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let listed = headers.get_all(ACCEPT_ENCODING).into_iter();
    let texts = listed.filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        name.trim().eq_ignore_ascii_case("gzip") && weight.parse::<f32>().is_ok_and(|it| it > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_visit_loads_less_than_64_kib_of_assets() {
        let sizes = ASSETS.all().map(|asset| asset.gzip.len());
        assert!(sizes.iter().all(|size| *size > 0));
        assert!(sizes.iter().sum::<usize>() < 64 * 1024, "{sizes:?}");
    }

    #[test]
    fn compression_is_used_only_by_clients_that_accept_it() {
        let accepts = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, value.parse().unwrap());
            accepts_gzip(&headers)
        };
        assert!(accepts("gzip") && accepts("br, GZIP;q=0.5"));
        assert!(!accepts("br") && !accepts("gzip;q=0") && !accepts("gzip;q=x"));
    }
}
