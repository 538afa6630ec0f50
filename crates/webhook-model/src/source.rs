//! The sources of events.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The source of an event: a short text such as `api`, or the name of a configured source.
/// Serialized as a string. Cheap to clone.
#[derive(Clone)]
pub struct Source {
    name: Name,
    /// See [`Source::row`].
    row: Option<i64>,
}

#[derive(Clone)]
enum Name {
    Fixed(&'static str),
    Given(Arc<str>),
}

impl Source {
    /// Published over HTTP.
    pub const API: Self = Self::of(Name::Fixed("api"));
    /// Published by `webhook-sender publish`.
    pub const CLI: Self = Self::of(Name::Fixed("cli"));
    /// Published by the sender itself: an operational event.
    pub const SENDER: Self = Self::of(Name::Fixed("sender"));
    /// Stored by a version of the sender that did not record the source.
    pub const UNKNOWN: Self = Self::of(Name::Fixed("unknown"));

    const fn of(name: Name) -> Self {
        Self { name, row: None }
    }

    const FIXED: [Self; 4] = [Self::API, Self::CLI, Self::SENDER, Self::UNKNOWN];

    /// Returns the source of that name. Allocates only for the name of a configured source: keep it,
    /// and clone it for each event.
    ///
    /// ```
    /// use webhook_model::Source;
    ///
    /// assert_eq!(Source::named("api"), Source::API);
    /// ```
    pub fn named(name: &str) -> Self {
        let mut fixed = Self::FIXED.into_iter();
        fixed
            .find(|source| source.as_str() == name)
            .unwrap_or_else(|| Self::of(Name::Given(name.into())))
    }

    /// Returns the source with the row of its table that an event was read from.
    #[must_use]
    pub fn with_row(&self, row: i64) -> Self {
        Self {
            row: Some(row),
            ..self.clone()
        }
    }

    /// Returns the row of the outbox that an event was read from, as long as the event is not stored: a
    /// store in the same database removes the row in the transaction that keeps the event. It is neither
    /// compared nor serialized.
    pub fn row(&self) -> Option<i64> {
        self.row
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        match &self.name {
            Name::Fixed(name) => name,
            Name::Given(name) => name,
        }
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Source {}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self::named(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_no_part_of_what_a_source_is() {
        let source = Source::named("orders");
        let with_row = source.with_row(7);
        assert_eq!((with_row.row(), source.row()), (Some(7), None));
        assert_eq!(with_row, source);
        assert_eq!(serde_json::to_string(&with_row).unwrap(), "\"orders\"");
    }
}
