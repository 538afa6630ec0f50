//! Base64 as Standard Webhooks writes it: the standard alphabet of RFC 4648 (section 4), padded.

use base64ct::{Base64, Encoding};

/// Why a text is not the base64 of so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base64Error {
    /// It has other characters, wrong padding, or bits that belong to no byte.
    Form,
    /// It is of fewer bytes.
    TooShort,
    /// It is of more bytes.
    TooLong,
}

/// The text of these bytes.
pub(crate) fn encode(bytes: &[u8]) -> alloc::string::String {
    Base64::encode_string(bytes)
}

/// The bytes of `text` at the beginning of `room`: as many as there are, up to its size.
pub(crate) fn decode<'r>(text: &str, room: &'r mut [u8]) -> Result<&'r [u8], Base64Error> {
    if text.len() > room.len().div_ceil(3) * 4 {
        return Err(Base64Error::TooLong);
    }
    Base64::decode(text, room).map_err(|error| match error {
        base64ct::Error::InvalidEncoding => Base64Error::Form,
        base64ct::Error::InvalidLength => Base64Error::TooLong,
    })
}

/// The bytes of `text`, which are exactly `N`.
pub(crate) fn decode_exactly<const N: usize>(text: &str) -> Result<[u8; N], Base64Error> {
    let mut bytes = [0; N];
    match decode(text, &mut bytes)?.len() {
        length if length == N => Ok(bytes),
        _ => Err(Base64Error::TooShort),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_the_rfc_are_made_and_read() {
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
            assert_eq!(decode(text, &mut [0; 6]), Ok(bytes.as_bytes()), "{text}");
        }
    }

    #[test]
    fn loose_texts_are_refused() {
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
            assert_eq!(decode(text, &mut [0; 6]), Err(Base64Error::Form), "{text}");
        }
    }

    #[test]
    fn the_number_of_bytes_is_exact() {
        assert_eq!(decode_exactly::<2>("Zm8="), Ok(*b"fo"));
        assert_eq!(decode_exactly::<2>("Zg=="), Err(Base64Error::TooShort));
        assert_eq!(decode_exactly::<2>(""), Err(Base64Error::TooShort));
        assert_eq!(decode_exactly::<2>("Zm9v"), Err(Base64Error::TooLong));
        assert_eq!(decode_exactly::<2>("Zm9vYg=="), Err(Base64Error::TooLong));
    }
}
