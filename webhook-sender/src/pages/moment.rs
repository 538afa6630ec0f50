//! Times and durations as readers see them.

use std::fmt;

use askama::filters::HtmlSafe;
use serde::{Deserialize, Deserializer, de};
use webhook_model::Millis;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A time that the API states in RFC 3339.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Millis);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let at: jiff::Timestamp = text.parse().map_err(de::Error::custom)?;
        let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
        Ok(Self(Millis(millis)))
    }
}

impl Moment {
    /// Returns the time in words relative to `now`, as an element whose `title` is the exact time. The
    /// script of the pages keeps the words current, and shows the exact time in the reader's zone.
    pub fn relative_to(self, now: Millis) -> TimeElement {
        TimeElement { at: self.0, now }
    }

    /// Returns the exact time in UTC: `2026-01-31 09:30:00 UTC`.
    pub fn exact(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0.as_i64()) {
            Ok(at) => at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            Err(_) => "unknown".to_owned(),
        }
    }
}

/// A `time` element. Its content is made from numbers only.
pub struct TimeElement {
    at: Millis,
    now: Millis,
}

impl HtmlSafe for TimeElement {}

impl fmt::Display for TimeElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, exact) = (self.at, Moment(self.at).exact());
        let words = relative(self.at, self.now);
        write!(
            f,
            "<time datetime=\"{at}\" title=\"{exact}\">{words}</time>"
        )
    }
}

/// Returns a time in words: `5 minutes ago`, `in 2 hours`.
fn relative(at: Millis, now: Millis) -> String {
    if at.0.abs_diff(now.0) < SECOND {
        return "just now".to_owned();
    }
    let words = roughly(at.0.abs_diff(now.0));
    if at > now {
        format!("in {words}")
    } else {
        format!("{words} ago")
    }
}

/// Returns a duration in its largest unit, rounded down: `3 minutes`.
fn roughly(millis: u64) -> String {
    let (count, unit) = match millis {
        DAY.. => (millis / DAY, "day"),
        HOUR.. => (millis / HOUR, "hour"),
        MINUTE.. => (millis / MINUTE, "minute"),
        _ => (millis / SECOND, "second"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// Returns a duration as a figure: `340 ms`, `2.5 s`, `3 min`, `2 h 5 min`.
pub fn duration(millis: u64) -> String {
    let two = |big: u64, unit: &str, small: u64, smaller: &str| match small {
        0 => format!("{big} {unit}"),
        _ => format!("{big} {unit} {small} {smaller}"),
    };
    match millis {
        DAY.. => two(millis / DAY, "d", millis % DAY / HOUR, "h"),
        HOUR.. => two(millis / HOUR, "h", millis % HOUR / MINUTE, "min"),
        MINUTE.. => two(millis / MINUTE, "min", millis % MINUTE / SECOND, "s"),
        SECOND.. => format!("{}.{} s", millis / SECOND, millis % SECOND / 100),
        _ => format!("{millis} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_relative_to_now_in_its_largest_unit() {
        let now = Millis(10 * DAY);
        let cases = [
            (now.0, "just now"),
            (now.0 - SECOND, "1 second ago"),
            (now.0 + 59 * SECOND, "in 59 seconds"),
            (now.0 - 90 * SECOND, "1 minute ago"),
            (now.0 + 2 * HOUR, "in 2 hours"),
            (now.0 - 3 * DAY, "3 days ago"),
        ];
        for (at, words) in cases {
            assert_eq!(relative(Millis(at), now), words);
        }
    }

    #[test]
    fn a_time_is_an_element_with_the_exact_time() {
        let at = Moment(Millis(1_769_851_800_000));
        let element = at.relative_to(Millis(1_769_851_805_000)).to_string();
        let expected = "<time datetime=\"2026-01-31T09:30:00.000Z\" \
                        title=\"2026-01-31 09:30:00 UTC\">5 seconds ago</time>";
        assert_eq!(element, expected);
    }

    #[test]
    fn a_duration_is_a_figure_of_two_units_at_most() {
        let cases = [
            (0, "0 ms"),
            (999, "999 ms"),
            (2500, "2.5 s"),
            (3 * MINUTE, "3 min"),
            (2 * HOUR + 5 * MINUTE + SECOND, "2 h 5 min"),
            (DAY + HOUR, "1 d 1 h"),
        ];
        for (millis, figure) in cases {
            assert_eq!(duration(millis), figure);
        }
    }
}
