//! A case on the wire: the header's names and bytes as the file has them.

use std::net::SocketAddr;

use super::answer::Answer;
use super::case::Case;
use crate::raw;

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
