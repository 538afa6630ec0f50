//! The timestamp in a header, as text whose end is unambiguous.
//!
//! A `wss` signature covers the timestamp and the body with nothing between them. So a timestamp has
//! one of two formats of fixed length, and no text of one format is a prefix of a text of the other:
//! no byte can move between timestamp and body without changing the signed bytes.

use alloc::string::String;

use crate::Fault;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The number of digits of a timestamp in milliseconds, from the year 2001 to 2286.
const DIGITS_OF_MILLISECONDS: usize = 13;

/// The last second with ten decimal digits, in November 2286.
const LAST_OF_TEN_DIGITS: u64 = 9_999_999_999;

/// The only supported form of RFC 3339; a `0` matches any digit.
const RFC_3339: &[u8; 20] = b"0000-00-00T00:00:00Z";

/// Parses a `wss` timestamp into Unix seconds: ten decimal digits, or RFC 3339 in UTC (upper-case
/// `T` and `Z`, no fraction).
pub(crate) fn ten_digits_or_rfc_3339(text: &str) -> Result<i64, Fault> {
    match text.len() {
        10 if is_digits(text) => Ok(number(text.as_bytes())),
        _ if is_in_milliseconds(text) => Err(Fault::Milliseconds),
        _ => rfc_3339(text),
    }
}

/// Formats Unix seconds as ten decimal digits.
pub(crate) fn ten_digits(seconds: u64) -> Result<String, Fault> {
    if seconds > LAST_OF_TEN_DIGITS {
        return Err(Fault::OutOfRange);
    }
    let mut digits = [b'0'; 10];
    let mut left = seconds;
    for digit in digits.iter_mut().rev() {
        *digit += (left % 10) as u8;
        left /= 10;
    }
    Ok(digits.iter().map(|digit| char::from(*digit)).collect())
}

/// Parses a `standard` timestamp into Unix seconds: decimal digits without leading zeros.
pub(crate) fn integer(text: &str) -> Result<i64, Fault> {
    if text.is_empty() || !is_digits(text) || (text.len() > 1 && text.starts_with('0')) {
        return Err(Fault::TimestampForm);
    }
    text.parse().map_err(|_| Fault::OutOfRange)
}

/// Recognises a number that is probably a time in milliseconds.
pub(crate) fn is_in_milliseconds(text: &str) -> bool {
    text.len() == DIGITS_OF_MILLISECONDS && is_digits(text)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn rfc_3339(text: &str) -> Result<i64, Fault> {
    let text: &[u8; 20] = text
        .as_bytes()
        .try_into()
        .map_err(|_| Fault::TimestampForm)?;
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        _ => byte == form,
    };
    if !text.iter().zip(RFC_3339).all(fits) {
        return Err(Fault::TimestampForm);
    }
    let days = days(
        number(&text[0..4]),
        number(&text[5..7]),
        number(&text[8..10]),
    );
    let seconds = seconds(
        number(&text[11..13]),
        number(&text[14..16]),
        number(&text[17..19]),
    );
    days.zip(seconds)
        .map(|(days, seconds)| days * DAY + seconds)
        .ok_or(Fault::NoSuchTime)
}

fn number(digits: &[u8]) -> i64 {
    digits
        .iter()
        .fold(0, |number, digit| 10 * number + i64::from(digit - b'0'))
}

/// Returns the seconds since midnight. A leap second is rejected: Unix time cannot represent it.
fn seconds(hour: i64, minute: i64, second: i64) -> Option<i64> {
    let exists = hour < 24 && minute < 60 && second < 60;
    exists.then_some(hour * HOUR + minute * MINUTE + second)
}

/// Returns the days since 1 January 1970 in the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap(year)),
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Years are counted from March, so that the leap day is the last of its year.
    let (year, month) = match month {
        1 | 2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days_before_month = (153 * month + 2) / 5;
    Some(365 * year + leap_days + days_before_month + day - 1 - DAYS_TO_1970)
}

/// The days from 1 March of the year 0 to 1 January 1970.
const DAYS_TO_1970: i64 = 719_468;

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn known_timestamps_are_parsed() {
        for (text, seconds) in [
            ("1614265330", 1_614_265_330),
            ("0614265330", 614_265_330),
            ("2021-02-25T15:02:10Z", 1_614_265_330),
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59Z", -1),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("0000-01-01T00:00:00Z", -62_167_219_200),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!(ten_digits_or_rfc_3339(text), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn seconds_are_formatted_with_ten_digits() {
        for (seconds, text) in [
            (0, "0000000000"),
            (7, "0000000007"),
            (1_614_265_330, "1614265330"),
            (9_999_999_999, "9999999999"),
        ] {
            assert_eq!(ten_digits(seconds).as_deref(), Ok(text));
        }
        for seconds in [10_000_000_000, u64::MAX] {
            assert_eq!(ten_digits(seconds), Err(Fault::OutOfRange));
        }
    }

    #[test]
    fn each_day_of_the_calendar_follows_the_previous_one() {
        let mut expected = days(1, 1, 1).unwrap();
        for year in 1..=2400 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Some(found) = days(year, month, day) {
                        assert_eq!(found, expected, "{year}-{month}-{day}");
                        expected += 1;
                    }
                }
            }
        }
        // 2400 years have 97 leap days in each 400.
        assert_eq!(expected, days(1, 1, 1).unwrap() + 2400 * 365 + 6 * 97);
    }

    #[test]
    fn dates_and_times_that_do_not_exist_are_rejected() {
        for (date, time) in [
            ("2021-00-10", "00:00:00"),
            ("2021-13-10", "00:00:00"),
            ("2021-02-29", "00:00:00"),
            ("1900-02-29", "00:00:00"),
            ("2021-04-31", "00:00:00"),
            ("2021-01-00", "00:00:00"),
            ("2021-01-01", "24:00:00"),
            ("2021-01-01", "00:60:00"),
            ("2016-12-31", "23:59:60"),
        ] {
            let text = format!("{date}T{time}Z");
            assert_eq!(rfc_3339(&text), Err(Fault::NoSuchTime), "{text}");
        }
    }

    #[test]
    fn milliseconds_are_reported() {
        for text in ["1614265330000", "0000000000000"] {
            assert_eq!(ten_digits_or_rfc_3339(text), Err(Fault::Milliseconds));
        }
        for text in ["161426533000", "16142653300000", "161426533000a"] {
            assert_eq!(ten_digits_or_rfc_3339(text), Err(Fault::TimestampForm));
        }
    }

    #[test]
    fn other_formats_are_rejected() {
        for text in [
            "",
            "161426533",
            "16142653300",
            "+161426533",
            "-161426533",
            " 614265330",
            "161426533.",
            "2021-02-25T15:02:10.0Z",
            "2021-02-25T15:02:10+00:00",
            "2021-02-25T15:02:10z",
            "2021-02-25t15:02:10Z",
            "2021-02-25 15:02:10Z",
            "2021-02-25T15:02:10",
            "2021-02-25",
            "2021-02-25T15:02:1\u{e9}",
        ] {
            let read = ten_digits_or_rfc_3339(text);
            assert_eq!(read, Err(Fault::TimestampForm), "{text}");
        }
    }

    #[test]
    fn integers_are_parsed_up_to_63_bits() {
        assert_eq!(integer("0"), Ok(0));
        assert_eq!(integer("9223372036854775807"), Ok(i64::MAX));
        for text in ["9223372036854775808", "18446744073709551616"] {
            assert_eq!(integer(text), Err(Fault::OutOfRange), "{text}");
        }
        for text in ["", "-1", "+1", "1.0", "1e9", "0x10", " 1", "1 ", "00", "01"] {
            assert_eq!(integer(text), Err(Fault::TimestampForm), "{text}");
        }
    }
}
