//! A case on the wire: the header's names and bytes as the file has them.

use std::net::SocketAddr;

use super::case::Case;
use crate::raw;

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The `code` of a problem document.
    pub code: Option<String>,
}

/// Sends the case's request to `/target`.
pub async fn send(address: SocketAddr, case: &Case) -> Answer {
    let mut request = format!(
        "POST /target HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n",
        case.body.len()
    )
    .into_bytes();
    for (name, value) in &case.headers {
        request.extend(name.bytes().chain(*b": "));
        request.extend(value.chars().map(byte));
        request.extend(b"\r\n");
    }
    request.extend(b"\r\n");
    request.extend(&case.body);
    Answer::of(&raw::exchange(address, &request).await)
}

fn byte(character: char) -> u8 {
    u8::try_from(character).expect("a character that stands for one byte")
}

impl Answer {
    fn of(reply: &str) -> Self {
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

/// Of the document between the outermost braces, so that a body in chunks is read too.
fn code(body: &str) -> Option<String> {
    let document = body.get(body.find('{')?..=body.rfind('}')?)?;
    let document: serde_json::Value = serde_json::from_str(document).ok()?;
    document["code"].as_str().map(str::to_owned)
}
