//! A filter by the status of a delivery's last attempt.

use std::fmt;
use std::str::FromStr;

use webhook_model::Attempt;

/// A filter by the status of the last attempt. A delivery without an attempt matches none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusFilter {
    /// This status.
    Code(u16),
    /// A status whose first digit is this: 2 for `2xx`.
    Class(u16),
    /// No status: the attempt got no response.
    Missing,
}

/// The error of a text that is no [`StatusFilter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a status from 100 to 999, one of 2xx, 3xx, 4xx, 5xx, or none")]
pub struct StatusFilterError;

impl StatusFilter {
    /// Returns whether the last of these attempts matches.
    pub fn selects(self, attempts: &[Attempt]) -> bool {
        attempts
            .last()
            .is_some_and(|last| self.matches(last.status))
    }

    /// Returns whether the status of a last attempt matches.
    pub fn matches(self, status: Option<u16>) -> bool {
        match self {
            Self::Code(code) => status == Some(code),
            Self::Class(digit) => status.is_some_and(|status| status / 100 == digit),
            Self::Missing => status.is_none(),
        }
    }

    /// Returns the first and the last status that match, where 0 stands for none.
    pub(crate) fn range(self) -> (u16, u16) {
        match self {
            Self::Code(code) => (code, code),
            Self::Class(digit) => (digit * 100, digit * 100 + 99),
            Self::Missing => (0, 0),
        }
    }
}

impl FromStr for StatusFilter {
    type Err = StatusFilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "2xx" => Ok(Self::Class(2)),
            "3xx" => Ok(Self::Class(3)),
            "4xx" => Ok(Self::Class(4)),
            "5xx" => Ok(Self::Class(5)),
            "none" => Ok(Self::Missing),
            code => match code.parse() {
                Ok(code @ 100..=999) => Ok(Self::Code(code)),
                _ => Err(StatusFilterError),
            },
        }
    }
}

impl fmt::Display for StatusFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "{code}"),
            Self::Class(digit) => write!(f, "{digit}xx"),
            Self::Missing => f.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_matches_what_its_text_names() {
        let cases: [(&str, &[Option<u16>]); 5] = [
            ("404", &[Some(404)]),
            ("2xx", &[Some(200), Some(299)]),
            ("4xx", &[Some(400), Some(404), Some(499)]),
            ("5xx", &[Some(500), Some(599)]),
            ("none", &[None]),
        ];
        let all = [200, 299, 302, 400, 404, 499, 500, 599].map(Some);
        for (text, matching) in cases {
            let filter: StatusFilter = text.parse().unwrap();
            assert_eq!(filter.to_string(), text);
            for status in all.iter().copied().chain([None]) {
                assert_eq!(filter.matches(status), matching.contains(&status), "{text}");
                let (first, last) = filter.range();
                let in_range = (first..=last).contains(&status.unwrap_or(0));
                assert_eq!(in_range, matching.contains(&status), "{text}");
            }
        }
        for text in ["", "99", "1000", "1xx", "6xx", "2XX", "-1", "ok"] {
            assert_eq!(
                text.parse::<StatusFilter>(),
                Err(StatusFilterError),
                "{text}"
            );
        }
    }
}
