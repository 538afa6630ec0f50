//! Headers whose values have a shorter form than their text: the times and the signatures of requests,
//! which are written with every attempt.

use base64ct::{Base64, Encoding};
use webhook_signature::{standard, wss};

use super::encoding::{self, Reader};

/// The byte of the first of [`PACKED`]; those before are for names.
pub(super) const FIRST: u8 = 96;

/// The form of a value.
#[derive(Clone, Copy)]
enum Form {
    /// A number instead of its digits.
    Number,
    /// 32 bytes instead of their lower-case hex digits.
    Hex,
    /// 32 bytes instead of `v1,` and their base64.
    Tag,
    /// Nothing: the value is always this.
    Fixed(&'static str),
}

/// The names with their forms. New ones are appended, because stored records contain their positions.
const PACKED: [(&str, Form); 6] = [
    (wss::TIMESTAMP, Form::Number),
    (wss::SIGNATURE, Form::Hex),
    (wss::PREVIOUS, Form::Hex),
    (standard::TIMESTAMP, Form::Number),
    (standard::SIGNATURE, Form::Tag),
    ("Content-Type", Form::Fixed("application/json")),
];

/// The byte after that of the last of [`PACKED`].
pub(super) const AFTER: usize = FIRST as usize + PACKED.len();

/// The start of a tag of the scheme `standard` with a shared secret.
const TAG: &str = "v1,";

/// Appends a header in its shorter form. Returns false, and appends nothing, if it has none.
pub(super) fn write(out: &mut Vec<u8>, name: &str, value: &[u8]) -> bool {
    let Some(position) = PACKED.iter().position(|(packed, _)| *packed == name) else {
        return false;
    };
    let (start, Some((_, form))) = (out.len(), PACKED.get(position)) else {
        return false;
    };
    out.push(FIRST + position as u8);
    let is_packed = std::str::from_utf8(value).is_ok_and(|value| form.write(out, value));
    if !is_packed {
        out.truncate(start);
    }
    is_packed
}

/// Reads the name and the value of a header with this byte.
pub(super) fn read(from: &mut Reader, byte: u8) -> Option<(&'static str, String)> {
    let (name, form) = PACKED.get(usize::from(byte.checked_sub(FIRST)?))?;
    Some((name, form.read(from)?))
}

impl Form {
    /// Appends a value if it is exactly what [`Form::read`] returns for it.
    fn write(self, out: &mut Vec<u8>, value: &str) -> bool {
        match self {
            Self::Number => {
                let is_digits = value.bytes().all(|byte| byte.is_ascii_digit());
                match value.parse() {
                    Ok(number) if is_digits && (value == "0" || !value.starts_with('0')) => {
                        encoding::number(out, number);
                        true
                    }
                    _ => false,
                }
            }
            Self::Hex => {
                let mut bytes = [0; 32];
                let is_lower = !value.bytes().any(|byte| byte.is_ascii_uppercase());
                let is_hex = is_lower && hex::decode_to_slice(value, &mut bytes).is_ok();
                out.extend_from_slice(if is_hex { &bytes } else { &[] });
                is_hex
            }
            Self::Tag => {
                let mut bytes = [0; 33];
                let base64 = value.strip_prefix(TAG).unwrap_or_default();
                let decoded = Base64::decode(base64, &mut bytes).unwrap_or_default();
                out.extend_from_slice(decoded);
                decoded.len() == 32
            }
            Self::Fixed(fixed) => value == fixed,
        }
    }

    fn read(self, from: &mut Reader) -> Option<String> {
        Some(match self {
            Self::Number => from.number()?.to_string(),
            Self::Hex => hex::encode(from.take(32)?),
            Self::Tag => format!("{TAG}{}", Base64::encode_string(&from.take(32)?)),
            Self::Fixed(fixed) => fixed.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn written(name: &str, value: &str) -> Option<Vec<u8>> {
        let mut out = vec![7];
        let is_packed = write(&mut out, name, value.as_bytes());
        assert!(is_packed || out == [7], "{name}: {value}");
        is_packed.then(|| out.split_off(1))
    }

    #[test]
    fn a_packed_value_is_read_as_it_was_written() {
        let (hex, tag) = (
            "0f".repeat(32),
            format!("v1,{}=", "Az+/".repeat(10) + "abc"),
        );
        for (name, value, bytes) in [
            (wss::TIMESTAMP, "1800000000", 6),
            (standard::TIMESTAMP, "0", 2),
            (wss::SIGNATURE, &*hex, 33),
            (wss::PREVIOUS, &hex, 33),
            (standard::SIGNATURE, &tag, 33),
            ("Content-Type", "application/json", 1),
        ] {
            let packed = written(name, value).expect(name);
            assert_eq!(packed.len(), bytes, "{name}");
            let mut rest = Reader(Bytes::from(packed).slice(1..));
            let byte = written(name, value).unwrap()[0];
            assert_eq!(read(&mut rest, byte), Some((name, value.to_owned())));
            assert!(rest.0.is_empty());
        }
    }

    #[test]
    fn a_value_that_would_change_is_not_packed() {
        let upper = "0F".repeat(32);
        let two_tags = format!("v1,{}= v1,{}=", "A".repeat(43), "B".repeat(43));
        // The last digit of the base64 has bits that are not decoded.
        let loose = format!("v1,{}=", "A".repeat(42) + "B");
        for (name, value) in [
            (wss::TIMESTAMP, "01"),
            (wss::TIMESTAMP, "+1"),
            (wss::TIMESTAMP, ""),
            (wss::TIMESTAMP, "2027-01-15T08:00:00Z"),
            (wss::TIMESTAMP, "99999999999999999999"),
            (wss::SIGNATURE, &*upper),
            (wss::SIGNATURE, "0f"),
            (standard::SIGNATURE, &two_tags),
            (standard::SIGNATURE, &loose),
            (standard::SIGNATURE, "v1a,AAAA"),
            ("Content-Type", "text/plain"),
            ("content-type", "application/json"),
        ] {
            assert_eq!(written(name, value), None, "{name}: {value}");
        }
    }
}
