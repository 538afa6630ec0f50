use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const MAX: usize = 20;

fn frame(kind: u8, channel: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![kind, 0, channel];
    frame.extend((payload.len() as u32).to_be_bytes());
    frame.extend(payload);
    frame.push(FRAME_END);
    frame
}

/// Returns the frames of a message, whose body comes in these parts.
fn message(channel: u8, parts: &[&[u8]]) -> Vec<Vec<u8>> {
    let size: usize = parts.iter().map(|part| part.len()).sum();
    let mut header = vec![0, 60, 0, 0];
    header.extend((size as u64).to_be_bytes());
    header.extend(b"properties");
    let mut frames = vec![
        frame(METHOD, channel, b"deliver"),
        frame(CONTENT_HEADER, channel, &header),
    ];
    let parts = parts.iter();
    frames.extend(parts.map(|part| frame(CONTENT_BODY, channel, part)));
    frames
}

/// A frame as the library would read it: its type, channel and payload.
type Read = (u8, u8, Vec<u8>);

fn parse(mut bytes: &[u8]) -> Vec<Read> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let size = u32::from_be_bytes(bytes[3..7].try_into().unwrap()) as usize;
        assert_eq!(bytes[7 + size], FRAME_END);
        all.push((bytes[0], bytes[2], bytes[7..7 + size].to_vec()));
        bytes = &bytes[8 + size..];
    }
    all
}

/// Passes bytes on that come in pieces of this size.
fn pass(bytes: &[u8], piece: usize) -> Vec<u8> {
    let (mut frames, mut passed) = (Frames::new(MAX), Vec::new());
    for piece in bytes.chunks(piece) {
        frames.pass(piece, &mut passed);
    }
    passed
}

/// Returns the body of a channel's only message, if it is as long as its header says.
fn body_of(channel: u8, frames: &[Read]) -> Bytes {
    let of = |kind| {
        let parts = frames
            .iter()
            .filter(move |one| (one.0, one.1) == (kind, channel));
        parts
            .map(|(.., payload)| payload.clone())
            .collect::<Vec<_>>()
    };
    let body = of(CONTENT_BODY).concat();
    let headers = of(CONTENT_HEADER);
    let size = u64::from_be_bytes(headers[0][4..12].try_into().unwrap());
    assert_eq!((headers.len(), size), (1, body.len() as u64));
    assert_eq!(headers[0][12..], *b"properties");
    body.into()
}

#[test]
fn a_message_within_the_limit_passes_unchanged() {
    let bytes = [
        frame(HEARTBEAT, 0, b""),
        message(1, &[b"0123456789", b"0123456789"]).concat(),
        message(1, &[]).concat(),
        frame(CONTENT_HEADER, 1, b"short"),
        frame(METHOD, 1, b""),
    ]
    .concat();
    for piece in [1, 3, 7, 1000] {
        assert_eq!(pass(&bytes, piece), bytes, "in pieces of {piece}");
    }
    let whole = Bytes::from_static(b"01234567890123456789");
    assert_eq!(restore(whole.clone(), MAX), (whole, 0));
}

#[test]
fn a_message_beyond_the_limit_is_cut_and_keeps_its_size() {
    let parts: [&[&[u8]]; 4] = [
        &[b"0123456789ABCDEFGHIJx"],
        &[b"0123456789", b"ABCDEFGHIJ", b"xyz"],
        &[b"0123456789ABCDEFGHIJ", b"", b"xyz"],
        &[b"0123456789ABC", b"DEFGHIJxyz", b"and more"],
    ];
    for parts in parts {
        let size: usize = parts.iter().map(|part| part.len()).sum();
        let bytes = message(1, parts).concat();
        for piece in [1, 2, 5, 19, 1000] {
            let passed = parse(&pass(&bytes, piece));
            let (kept, cut) = restore(body_of(1, &passed), MAX);
            assert_eq!(kept, "0123456789ABCDEFGHIJ");
            assert_eq!(cut, size - MAX, "in pieces of {piece}");
        }
    }
}

#[test]
fn messages_after_one_that_was_cut_and_of_other_channels_are_whole() {
    let large = message(1, &[b"0123456789ABCDEFGHIJ", b"xyz"]);
    let [other, next] = [message(2, &[b"other"]), message(3, &[b"next"])];
    // Between the frames of the large one.
    let mut frames = vec![large[0].clone(), large[1].clone()];
    frames.extend(other);
    frames.extend_from_slice(&large[2..]);
    frames.extend(next);
    frames.extend(message(1, &[b"small"]));
    for piece in [1, 4, 1000] {
        let passed = parse(&pass(&frames.concat(), piece));
        let (before, last) = passed.split_at(passed.len() - 3);
        assert_eq!(body_of(1, before).len(), SIZE_BYTES + MAX);
        assert_eq!(body_of(2, before), "other");
        assert_eq!(body_of(3, before), "next");
        assert_eq!(body_of(1, last), "small");
    }
}

#[test]
fn a_server_of_another_protocol_passes_unchanged() {
    for bytes in [
        &b"AMQP\0\0\x09\x01"[..],
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ] {
        for piece in [1, 1000] {
            assert_eq!(pass(bytes, piece), bytes);
        }
    }
}

#[tokio::test]
async fn a_body_of_many_reads_is_cut_on_its_way() {
    let (mut server, client) = tokio::io::duplex(1000);
    let large = vec![b'x'; 3 * CHUNK];
    let sending = tokio::spawn(async move {
        for frame in message(1, &[&large, &large])
            .iter()
            .chain(&message(2, &[b"small"]))
        {
            server.write_all(frame).await.unwrap();
        }
    });
    let mut passed = Vec::new();
    let mut limited = LimitedBodies::new(client, MAX);
    limited.read_to_end(&mut passed).await.unwrap();
    sending.await.unwrap();
    let passed = parse(&passed);
    let (kept, cut) = restore(body_of(1, &passed), MAX);
    assert_eq!((kept.len(), cut), (MAX, 6 * CHUNK - MAX));
    assert_eq!(body_of(2, &passed), "small");
}
