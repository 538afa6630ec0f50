//! Tags: any text, sometimes with the valid tag.
//!
//! A tag is accepted if and only if another hex or base64 decoder returns the right bytes.

#![no_main]

use arbitrary::Arbitrary;
use base64::prelude::{BASE64_STANDARD, Engine};
use fuzz::{NOW, keys, tag};
use libfuzzer_sys::fuzz_target;
use webhook_signature::{Freshness, Request, Scheme, verify};

const BODY: &[u8] = b"{\"test\": 2432232314}";
const TIME: &str = "1614265330";

/// A part of a header's value.
#[derive(Arbitrary, Debug)]
enum Piece<'a> {
    RightTag,
    RightTagWithOneChange(u8, u8),
    Version(bool),
    Space,
    Text(&'a [u8]),
}

fn value(pieces: &[Piece<'_>], right: &str) -> Vec<u8> {
    let mut value = Vec::new();
    for piece in pieces {
        match piece {
            Piece::RightTag => value.extend_from_slice(right.as_bytes()),
            Piece::RightTagWithOneChange(at, character) => {
                let mut other = right.as_bytes().to_vec();
                let at = usize::from(*at) % other.len();
                other[at] = *character;
                value.append(&mut other);
            }
            Piece::Version(one) => value.extend_from_slice(if *one { b"v1," } else { b"v1a," }),
            Piece::Space => value.push(b' '),
            Piece::Text(text) => value.extend_from_slice(text),
        }
    }
    value
}

fuzz_target!(|pieces: Vec<Piece<'_>>| {
    plain(&pieces);
    wss(&pieces);
    standard(&pieces);
});

fn accepted(headers: &[(&str, &[u8])]) -> bool {
    let request = Request::new(headers.iter().copied(), BODY);
    verify(&keys(), &request, Freshness::at(NOW), Scheme::Plain).is_ok()
}

fn plain(pieces: &[Piece<'_>]) {
    let right = tag(&[BODY]);
    let value = value(pieces, &hex::encode(right));
    let expected = hex::decode(&value).is_ok_and(|tag| tag == right);
    assert_eq!(accepted(&[("X-Signature", &value)]), expected);
}

fn wss(pieces: &[Piece<'_>]) {
    let right = tag(&[TIME.as_bytes(), BODY]);
    let value = value(pieces, &hex::encode(right));
    let expected = hex::decode(&value).is_ok_and(|tag| tag == right);
    let time = ("X-WSS-Timestamp", TIME.as_bytes());
    assert_eq!(accepted(&[time, ("X-WSS-Signature", &value)]), expected);

    // Next to a valid tag, the previous one must be well-formed or absent.
    let right = hex::encode(right);
    let with_previous = [
        time,
        ("X-WSS-Signature", right.as_bytes()),
        ("X-WSS-Signature-Previous", &value),
    ];
    let well_formed = value.len() == 64 && hex::decode(&value).is_ok();
    assert_eq!(accepted(&with_previous), well_formed);
}

fn standard(pieces: &[Piece<'_>]) {
    let right = tag(&[b"evt_42.", TIME.as_bytes(), b".", BODY]);
    let value = value(pieces, &BASE64_STANDARD.encode(right));
    let printable = value.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let one_is_right = value.split(|byte| *byte == b' ').any(|entry| {
        let text = entry.strip_prefix(b"v1,");
        text.is_some_and(|text| BASE64_STANDARD.decode(text).is_ok_and(|tag| tag == right))
    });
    let expected = one_is_right && printable && value.len() <= 2048;
    let headers = [
        ("webhook-id", &b"evt_42"[..]),
        ("webhook-timestamp", TIME.as_bytes()),
        ("webhook-signature", &value),
    ];
    assert_eq!(accepted(&headers), expected);
}
