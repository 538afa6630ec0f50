//! Requests of cases on the wire: the names and bytes of headers exactly as in the file.

use std::net::SocketAddr;

use crate::raw;

/// The response of a consumer.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// The `code` of a problem document.
    pub code: Option<String>,
}

/// Sends a request to `/target`. Each character of a header's value is one byte.
pub async fn send(address: SocketAddr, headers: &[(String, String)], body: &[u8]) -> Response {
    let mut request = format!(
        "POST /target HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    )
    .into_bytes();
    for (name, value) in headers {
        request.extend(name.bytes().chain(*b": "));
        request.extend(value.chars().map(byte));
        request.extend(b"\r\n");
    }
    request.extend(b"\r\n");
    request.extend(body);
    Response::parse(&raw::exchange(address, &request).await)
}

fn byte(character: char) -> u8 {
    u8::try_from(character).expect("a character that stands for one byte")
}

impl Response {
    fn parse(reply: &str) -> Self {
        let status = reply
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let (_, body) = reply.split_once("\r\n\r\n").unwrap_or_default();
        Self {
            status: status.unwrap_or_else(|| panic!("no status in: {reply}")),
            code: code(body),
        }
    }
}

/// Returns the code of the document between the outermost braces, which skips chunk lengths.
fn code(body: &str) -> Option<String> {
    let document = body.get(body.find('{')?..=body.rfind('}')?)?;
    let document: serde_json::Value = serde_json::from_str(document).ok()?;
    document["code"].as_str().map(str::to_owned)
}
