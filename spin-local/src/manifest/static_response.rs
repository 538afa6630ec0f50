//! `static_response`: the response of a trigger without a component.

use bytes::Bytes;
use config_diagnostics::{Diagnostics, Entry};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// A response that is the same for every request.
#[derive(Clone, Debug)]
pub struct StaticResponse {
    /// The status, 200 by default.
    pub status: StatusCode,
    /// The headers, without those that the server sets.
    pub headers: HeaderMap,
    /// The body, empty by default.
    pub body: Bytes,
}

pub(super) fn read(entry: &Entry<'_>) -> Result<StaticResponse, Diagnostics> {
    let table = entry.table()?;
    table.only(&["status_code", "headers", "body"])?;
    let mut headers = HeaderMap::new();
    for header in table.map("headers")? {
        let (name, value) = read_header(&header)?;
        headers.append(name, value);
    }
    Ok(StaticResponse {
        status: match table.get("status_code") {
            Some(code) => read_status(&code)?,
            None => StatusCode::OK,
        },
        headers,
        body: Bytes::from(table.text("body")?.to_owned()),
    })
}

/// Reads a final status: one below 200 is informational and does not end a response.
fn read_status(entry: &Entry<'_>) -> Result<StatusCode, Diagnostics> {
    let number = entry.integer()?;
    let status = u16::try_from(number).ok().filter(|code| *code >= 200);
    let status = status.and_then(|code| StatusCode::from_u16(code).ok());
    status.ok_or_else(|| {
        entry.fault(format!(
            "`{}` must be from 200 to 999, not {number}",
            entry.path
        ))
    })
}

fn read_header(entry: &Entry<'_>) -> Result<(HeaderName, HeaderValue), Diagnostics> {
    let name = HeaderName::try_from(entry.key)
        .map_err(|_| entry.fault(format!("`{}` is not a valid header name", entry.path)))?;
    if matches!(name, CONTENT_LENGTH | TRANSFER_ENCODING) {
        return Err(entry.fault(format!("`{}` is set by the server", entry.path)));
    }
    let value = HeaderValue::from_str(entry.string()?)
        .map_err(|_| entry.fault(format!("`{}` is not a valid header value", entry.path)))?;
    Ok((name, value))
}
