//! The origin of entries, and the ids that are derived from it.
//!
//! The id of an entry is unique within one stream while that stream exists. Ids repeat in other streams,
//! and in a stream that was removed and created again. One store may hold the events of all of them, so
//! a derived id also names the source and its *incarnation*: a text with the lifetime of the stream.

use std::sync::Arc;

/// The most characters of a name in a derived id.
const MAX_NAME: usize = 64;

/// One incarnation of one source. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// The prefix of derived ids.
    prefix: Arc<str>,
}

impl Origin {
    pub(super) fn new(name: &str, incarnation: &str) -> Self {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = name.chars().take(MAX_NAME).map(plain).collect();
        Self {
            prefix: format!("{name}_{incarnation}").into(),
        }
    }

    /// Returns a new incarnation: 16 random hex digits.
    pub(super) fn random_incarnation() -> String {
        hex::encode(rand::random::<[u8; 8]>())
    }

    /// Returns the id derived from an entry: unique among all sources and incarnations, stable when the
    /// entry is read again, and valid as a `webhook-id`.
    pub(super) fn derived_id(&self, entry: &str) -> String {
        format!("{}_{entry}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use webhook_model::EventId;

    use super::*;

    #[test]
    fn derived_ids_are_valid_event_ids_for_any_stream_name() {
        for stream in [
            "events",
            "a.b c",
            "{shop}:events",
            "\u{1F980}\n",
            &"x".repeat(500),
        ] {
            let origin = Origin::new(stream, &Origin::random_incarnation());
            let id = origin.derived_id("18446744073709551615-18446744073709551615");
            EventId::parse(&id).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[test]
    fn derived_ids_differ_by_incarnation() {
        let [one, other] = ["1", "2"].map(|incarnation| Origin::new("events", incarnation));
        assert_ne!(one.derived_id("1-1"), other.derived_id("1-1"));
    }
}
