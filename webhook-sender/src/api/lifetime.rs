//! Lifetimes in bodies.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::error::ApiError;

/// Parses `expires_in`, a duration within bounds.
pub fn within(
    bounds: RangeInclusive<Duration>,
    text: Option<&str>,
) -> Result<Option<Duration>, ApiError> {
    let Some(text) = text else {
        return Ok(None);
    };
    let shown = |duration: &Duration| humantime::format_duration(*duration).to_string();
    match humantime::parse_duration(text) {
        Ok(found) if bounds.contains(&found) => Ok(Some(found)),
        Ok(_) => Err(ApiError::invalid(format!(
            "expires_in: `{text}` is not between {} and {}",
            shown(bounds.start()),
            shown(bounds.end())
        ))),
        Err(_) => Err(ApiError::invalid(format!(
            "expires_in: `{text}` is not a duration such as `24h`"
        ))),
    }
}
