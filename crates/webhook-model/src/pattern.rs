//! Patterns of event types, by which endpoints select events.

use serde::{Deserialize, Serialize};

/// The prefix of events that the sender itself publishes, for example
/// `operational.endpoint.disabled`.
const OPERATIONAL: &str = "operational.";

/// A type, a prefix followed by `.*`, or `*`.
///
/// `*` matches every event except operational ones, which match by name only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

/// The reason for which a text is not a pattern.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("event pattern `{0}` is neither a type, nor a prefix followed by `.*`, nor `*`")]
pub struct PatternError(String);

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    ///
    /// [`PatternError`] for an empty text, or for a `*` that is neither alone nor behind the last
    /// dot.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let stem = text.strip_suffix(".*").unwrap_or(text);
        let segments = |stem: &str| stem.split('.').all(is_segment);
        if text == "*" || segments(stem) {
            Ok(Self(text.into()))
        } else {
            Err(PatternError(text.chars().take(80).collect()))
        }
    }

    /// Returns whether an event of type `kind` matches.
    pub fn matches(&self, kind: &str) -> bool {
        if self.0 == "*" {
            return !kind.starts_with(OPERATIONAL);
        }
        match self.0.strip_suffix('*') {
            Some(prefix) => kind.starts_with(prefix),
            None => self.0 == kind,
        }
    }
}

fn is_segment(segment: &str) -> bool {
    !segment.is_empty()
        && segment
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'*')
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;
    fn try_from(text: String) -> Result<Self, PatternError> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_matches_longer_types_only() {
        let pattern = Pattern::parse("order.*").unwrap();
        assert!(pattern.matches("order.shipped"));
        assert!(pattern.matches("order.item.shipped"));
        assert!(!pattern.matches("order"));
        assert!(!pattern.matches("orders.shipped"));
    }

    #[test]
    fn the_star_matches_all_but_operational_events() {
        let all = Pattern::parse("*").unwrap();
        assert!(all.matches("order.shipped"));
        assert!(!all.matches("operational.endpoint.disabled"));
        let operational = Pattern::parse("operational.*").unwrap();
        assert!(operational.matches("operational.endpoint.disabled"));
    }

    #[test]
    fn a_star_elsewhere_is_rejected() {
        for bad in [
            "",
            ".",
            "*.shipped",
            "or*er",
            "order.",
            ".*",
            "order.**",
            "a b",
        ] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
