//! Times in queries and bodies.

use webhook_model::Millis;

use super::error::ApiError;

/// Parses an optional time in RFC 3339.
pub fn optional(name: &str, text: Option<&str>) -> Result<Option<Millis>, ApiError> {
    text.map(|text| {
        let at = text.parse::<jiff::Timestamp>().ok();
        // Nothing was planned before 1970: an earlier time is equivalent to 1970.
        let at = at.map(|at| u64::try_from(at.as_millisecond()).unwrap_or_default());
        at.map(Millis).ok_or_else(|| {
            let detail = format!("{name} `{text}` is not a time such as 2026-01-31T09:30:00Z");
            ApiError::invalid(detail)
        })
    })
    .transpose()
}
