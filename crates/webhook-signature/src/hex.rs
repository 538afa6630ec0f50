//! The hex digits of a tag (RFC 4648, section 8).
//!
//! Digits are decoded without branches, which also lets the compiler vectorize the loop.

use crate::Fault;
use crate::hmac_sha256::TAG_BYTES;

/// The number of hex digits of a tag.
pub(crate) const TAG_DIGITS: usize = 2 * TAG_BYTES;

/// Decodes the hex digits of a tag, in either case.
pub(crate) fn decode(digits: &[u8]) -> Result<[u8; TAG_BYTES], Fault> {
    if digits.len() != TAG_DIGITS && names_an_algorithm(digits) {
        return Err(Fault::Algorithm);
    }
    if !digits.len().is_multiple_of(2) {
        return Err(Fault::OddLength);
    }
    let digits: &[u8; TAG_DIGITS] = digits.try_into().map_err(|_| match digits.len() {
        ..TAG_DIGITS => Fault::Truncated,
        _ => Fault::TooLong,
    })?;
    let values = digits.map(value);
    if values.iter().fold(0, |all, value| all | value) > 0xf {
        return Err(Fault::NotHex {
            index: values.iter().take_while(|value| **value <= 0xf).count(),
        });
    }
    let mut tag = [0; TAG_BYTES];
    for (byte, pair) in tag.iter_mut().zip(values.as_chunks::<2>().0) {
        *byte = pair[0] << 4 | pair[1];
    }
    Ok(tag)
}

/// Finds an equals sign before the end of the text; base64 padding is only at its end.
fn names_an_algorithm(text: &[u8]) -> bool {
    let end = text.iter().rposition(|byte| *byte != b'=');
    end.is_some_and(|end| text[..end].contains(&b'='))
}

/// Returns the value of a digit, and more than 15 for any other byte.
fn value(digit: u8) -> u8 {
    let decimal = digit.wrapping_sub(b'0');
    let letter = (digit | 0x20).wrapping_sub(b'a');
    let decimal = if decimal < 10 { decimal } else { 0xff };
    let letter = if letter < 6 { letter + 10 } else { 0xff };
    decimal & letter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_a_digit_of_its_value_or_no_digit() {
        for byte in 0..=u8::MAX {
            let expected = char::from(byte).to_digit(16);
            let read = Some(value(byte)).filter(|value| *value <= 0xf);
            assert_eq!(read.map(u32::from), expected, "{byte:#x}");
        }
    }

    #[test]
    fn the_first_digit_of_a_pair_is_the_higher_half() {
        let digits = b"00112233445566778899aabbccddeeff0123456789abcdefFEDCBA9876543210";
        let mut tag = [0; TAG_BYTES];
        for (index, byte) in tag.iter_mut().enumerate().take(16) {
            *byte = 0x11 * index as u8;
        }
        tag[16..24].copy_from_slice(&0x0123_4567_89ab_cdef_u64.to_be_bytes());
        tag[24..].copy_from_slice(&0xfedc_ba98_7654_3210_u64.to_be_bytes());
        assert_eq!(decode(digits), Ok(tag));
    }

    #[test]
    fn the_first_byte_that_is_not_a_digit_is_reported() {
        for index in 0..TAG_DIGITS {
            for byte in [b'g', b'G', b'/', b':', b'@', b'`', b' ', 0, 0xff] {
                let mut digits = [b'a'; TAG_DIGITS];
                digits[index..].fill(byte);
                assert_eq!(decode(&digits), Err(Fault::NotHex { index }), "{byte:#x}");
            }
        }
    }

    #[test]
    fn an_algorithm_name_before_the_digits_is_reported() {
        for prefix in ["sha256=", "hmac-sha256=", "v1="] {
            let text = [prefix.as_bytes(), &[b'a'; TAG_DIGITS]].concat();
            assert_eq!(decode(&text), Err(Fault::Algorithm), "{prefix}");
        }
    }

    #[test]
    fn any_other_number_of_digits_is_rejected() {
        for length in (0..200).filter(|length| *length != TAG_DIGITS) {
            let expected = match length {
                odd if odd % 2 == 1 => Fault::OddLength,
                ..TAG_DIGITS => Fault::Truncated,
                _ => Fault::TooLong,
            };
            assert_eq!(decode(&[b'0'; 200][..length]), Err(expected), "{length}");
        }
    }
}
