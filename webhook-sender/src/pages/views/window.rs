//! The times of filters.

use webhook_model::Millis;

/// The ranges that a list offers, by name and length in hours.
pub const RANGES: [(&str, u64); 4] = [
    ("last hour", 1),
    ("last 24 hours", 24),
    ("last 7 days", 7 * 24),
    ("last 30 days", 30 * 24),
];

const HOUR: u64 = 60 * 60 * 1000;

/// Returns the start of a range that ends now, as a form shows it.
pub fn start_of_range(hours: u64, now: Millis) -> String {
    let start = Millis(now.0.saturating_sub(hours * HOUR));
    let text = start.to_string();
    // To the minute: `2026-01-31T09:30`.
    text.get(..16).unwrap_or(&text).to_owned()
}

/// Returns the time of a form's field for the API: browsers send no zone, and the pages mean UTC.
pub fn moment(field: &str) -> String {
    match field.len() {
        16 => format!("{field}:00Z"),
        19 => format!("{field}Z"),
        _ => field.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_without_a_zone_is_utc() {
        assert_eq!(moment("2026-01-31T09:30"), "2026-01-31T09:30:00Z");
        assert_eq!(moment("2026-01-31T09:30:15"), "2026-01-31T09:30:15Z");
        assert_eq!(moment("2026-01-31T09:30:00Z"), "2026-01-31T09:30:00Z");
        assert_eq!(moment(""), "");
    }

    #[test]
    fn a_range_starts_that_long_before_now() {
        let now = Millis(1_769_851_800_000);
        assert_eq!(start_of_range(1, now), "2026-01-31T08:30");
    }
}
