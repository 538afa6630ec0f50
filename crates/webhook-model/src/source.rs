//! The sources of events.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The source of an event: a short text such as `api`, or the name of a configured source.
/// Serialized as a string. Cheap to clone.
#[derive(Clone)]
pub struct Source(Name);

#[derive(Clone)]
enum Name {
    Fixed(&'static str),
    Given(Arc<str>),
}

impl Source {
    /// Published over HTTP.
    pub const API: Self = Self(Name::Fixed("api"));
    /// Published by `webhook-sender publish`.
    pub const CLI: Self = Self(Name::Fixed("cli"));
    /// Published by the sender itself: an operational event.
    pub const SENDER: Self = Self(Name::Fixed("sender"));
    /// Stored by a version of the sender that did not record the source.
    pub const UNKNOWN: Self = Self(Name::Fixed("unknown"));

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
            .unwrap_or_else(|| Self(Name::Given(name.into())))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        match &self.0 {
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
