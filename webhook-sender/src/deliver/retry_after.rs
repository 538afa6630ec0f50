//! Parses the `Retry-After` header.

use std::time::{Duration, SystemTime};

use webhook_model::Millis;

/// The longest wait that a receiver can request.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns the wait that a receiver requests: seconds, or a date in any of the forms of HTTP (RFC
/// 9110, section 10.2.3). At most a day; `None` for any other text.
///
/// ```
/// use std::time::Duration;
/// use webhook_model::Millis;
/// use webhook_sender::deliver::retry_after;
///
/// let now = Millis(784_111_777_000);
/// assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
/// let date = "Sun, 06 Nov 1994 08:50:37 GMT";
/// assert_eq!(retry_after(date, now), Some(Duration::from_secs(60)));
/// assert_eq!(retry_after("soon", now), None);
/// ```
pub fn retry_after(text: &str, now: Millis) -> Option<Duration> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let requested = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that overflows is more than a day.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        until(httpdate::parse_http_date(text).ok()?, now)
    };
    Some(requested.min(LONGEST))
}

fn until(date: SystemTime, now: Millis) -> Duration {
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(now.0);
    date.duration_since(now).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_parsed_in_every_form_and_bounded() {
        let now = Millis(784_111_777_000);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let cases = [
            ("0", seconds(0)),
            (" 7 ", seconds(7)),
            ("86401", seconds(86_400)),
            ("99999999999999999999999", seconds(86_400)),
            ("Sun, 06 Nov 1994 08:49:38 GMT", seconds(1)),
            ("Sunday, 06-Nov-94 08:49:38 GMT", seconds(1)),
            ("Sun Nov  6 08:49:38 1994", seconds(1)),
            ("Sun, 06 Nov 1994 08:49:36 GMT", seconds(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", seconds(86_400)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("+1", None),
            ("tomorrow", None),
        ];
        for (text, wait) in cases {
            assert_eq!(retry_after(text, now), wait, "{text:?}");
        }
    }
}
