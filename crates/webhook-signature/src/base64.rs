//! Base64 as Standard Webhooks writes it: the standard alphabet of RFC 4648 (section 4), padded.
//!
//! Secrets go through [`encode`] and [`decode`], which run in constant time. Tags are public and
//! every request has one, so they have functions of their own that use a lookup table.

use alloc::string::String;

use base64ct::{Base64, Encoding};

use crate::hmac_sha256::TAG_BYTES;

/// The number of characters of a tag, including one of padding.
pub(crate) const TAG_CHARACTERS: usize = 44;

/// The reason why a text is not the base64 of the expected number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base64Error {
    /// It has other characters, wrong padding, or nonzero trailing bits.
    Form,
    /// It decodes to too few bytes.
    TooShort,
    /// It decodes to too many bytes.
    TooLong,
}

/// Encodes `bytes`.
pub(crate) fn encode(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// The size of a decoding buffer: the longest secret, rounded up to a whole number of base64 groups.
pub(crate) const BUFFER_BYTES: usize = 66;

/// Decodes `text` into the beginning of `buffer`, and returns the decoded bytes: at most `max`.
///
/// A text that is too long for `max` bytes is rejected by its length alone, without being decoded.
pub(crate) fn decode<'r>(
    text: &str,
    max: usize,
    buffer: &'r mut [u8; BUFFER_BYTES],
) -> Result<&'r [u8], Base64Error> {
    if text.len() > max.div_ceil(3) * 4 {
        return Err(Base64Error::TooLong);
    }
    match Base64::decode(text, buffer) {
        Ok(bytes) if bytes.len() > max => Err(Base64Error::TooLong),
        Ok(bytes) => Ok(bytes),
        Err(base64ct::Error::InvalidEncoding) => Err(Base64Error::Form),
        Err(base64ct::Error::InvalidLength) => Err(Base64Error::TooLong),
    }
}

/// Decodes `text`, which must be the base64 of exactly `N` bytes.
pub(crate) fn decode_exactly<const N: usize>(text: &str) -> Result<[u8; N], Base64Error> {
    let mut buffer = [0; BUFFER_BYTES];
    let bytes = decode(text, N, &mut buffer)?;
    bytes.try_into().map_err(|_| Base64Error::TooShort)
}

/// Appends the base64 of `tag` to `text`.
pub(crate) fn push_tag(text: &mut String, tag: &[u8; TAG_BYTES]) {
    let mut padded = [0; TAG_BYTES + 1];
    padded[..TAG_BYTES].copy_from_slice(tag);
    let mut characters = [PADDING; TAG_CHARACTERS];
    let groups = characters.as_chunks_mut::<4>().0.iter_mut();
    for (characters, bytes) in groups.zip(padded.as_chunks::<3>().0) {
        *characters = split(*bytes).map(|sextet| ALPHABET[usize::from(sextet)]);
    }
    characters[TAG_CHARACTERS - 1] = PADDING;
    text.extend(core::str::from_utf8(&characters));
}

/// Decodes a tag.
pub(crate) fn decode_tag(text: &str) -> Result<[u8; TAG_BYTES], Base64Error> {
    // The general decoder finds out what is wrong with a malformed text.
    text.as_bytes()
        .try_into()
        .ok()
        .and_then(well_formed_tag)
        .map_or_else(|| decode_exactly(text), Ok)
}

fn well_formed_tag(text: &[u8; TAG_CHARACTERS]) -> Option<[u8; TAG_BYTES]> {
    let mut characters = *text;
    let padding = core::mem::replace(characters.last_mut()?, ALPHABET[0]);
    let mut all = 0;
    let mut bytes = [0; TAG_BYTES + 1];
    let groups = bytes.as_chunks_mut::<3>().0.iter_mut();
    for (bytes, characters) in groups.zip(characters.as_chunks::<4>().0) {
        let sextets = characters.map(|character| SEXTETS[usize::from(character)]);
        all |= sextets.into_iter().fold(0, |all, sextet| all | sextet);
        *bytes = join(sextets);
    }
    let [tag @ .., rest] = bytes;
    (padding == PADDING && rest == 0 && all != NONE).then_some(tag)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PADDING: u8 = b'=';

/// The value of each character, or [`NONE`] for those that are not in the alphabet.
const SEXTETS: [u8; 256] = {
    let mut sextets = [NONE; 256];
    let mut sextet = 0;
    while sextet < ALPHABET.len() {
        sextets[ALPHABET[sextet] as usize] = sextet as u8;
        sextet += 1;
    }
    sextets
};

/// A marker that survives `|` with any sextets, which can never add up to it.
const NONE: u8 = 0xff;

fn split(bytes: [u8; 3]) -> [u8; 4] {
    let group = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
    [18, 12, 6, 0].map(|shift| (group >> shift) as u8 & 0x3f)
}

fn join(sextets: [u8; 4]) -> [u8; 3] {
    let [a, b, c, d] = sextets.map(u32::from);
    let [_, bytes @ ..] = (a << 18 | b << 12 | c << 6 | d).to_be_bytes();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_the_rfc_are_encoded_and_decoded() {
        // RFC 4648, section 10.
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(
                decode(text, 6, &mut [0; BUFFER_BYTES]),
                Ok(bytes.as_bytes()),
                "{text}"
            );
        }
    }

    #[test]
    fn malformed_texts_are_rejected() {
        for text in [
            "Zg",
            "Zg=",
            "Zg===",
            "Z",
            "Zh==",
            "Zm9=",
            "Zm9v\n",
            " Zm9v",
            "Zm-v",
            "Zm_v",
            "Zg==Zg==",
            "=",
            "====",
            "Zm9v=",
            "Zm\u{e9}v",
        ] {
            assert_eq!(
                decode(text, 6, &mut [0; BUFFER_BYTES]),
                Err(Base64Error::Form),
                "{text}"
            );
        }
    }

    #[test]
    fn the_table_encodes_and_decodes_a_tag_as_the_constant_time_code_does() {
        for seed in 0..=u8::MAX {
            let tag = core::array::from_fn(|index| seed.wrapping_mul(index as u8 ^ 0x5b) ^ seed);
            let mut text = String::from("v1,");
            push_tag(&mut text, &tag);
            assert_eq!(text, ["v1,", &encode(&tag)].concat());
            assert_eq!(decode_tag(&text[3..]), Ok(tag));
        }
    }

    #[test]
    fn the_table_rejects_a_malformed_tag_with_the_same_error_as_the_constant_time_code() {
        let mut text = String::new();
        push_tag(&mut text, &[0x5b; TAG_BYTES]);
        for at in 0..TAG_CHARACTERS {
            for character in (0..=0x17f).filter_map(char::from_u32) {
                let mut changed = text.clone();
                changed.replace_range(at..=at, character.encode_utf8(&mut [0; 4]));
                let expected = decode_exactly(&changed);
                assert_eq!(decode_tag(&changed), expected, "{changed}");
            }
            assert_eq!(decode_tag(&text[..at]), decode_exactly(&text[..at]));
        }
        for longer in [[&text, "="].concat(), [&text, "AAAA"].concat()] {
            assert_eq!(decode_tag(&longer), Err(Base64Error::TooLong));
        }
    }

    #[test]
    fn decode_exactly_requires_the_exact_number_of_bytes() {
        assert_eq!(decode_exactly::<2>("Zm8="), Ok(*b"fo"));
        assert_eq!(decode_exactly::<2>("Zg=="), Err(Base64Error::TooShort));
        assert_eq!(decode_exactly::<2>(""), Err(Base64Error::TooShort));
        assert_eq!(decode_exactly::<2>("Zm9v"), Err(Base64Error::TooLong));
        assert_eq!(decode_exactly::<2>("Zm9vYg=="), Err(Base64Error::TooLong));
        assert_eq!(decode_exactly::<2>("Zm9*"), Err(Base64Error::Form));
    }
}
