//! Where entries come from, and the ids that are derived from it.
//!
//! The id of an entry is unique within one stream for as long as that exists. Another stream has the
//! same ids, and so has a stream that was removed and made again. The events of all of them may be
//! kept in one store, so a derived id names the stream and its *incarnation* as well: a random text
//! that lives and dies with the stream, as it is the name of a consumer group of it. Redis keeps that
//! group wherever it keeps the stream: in its files, in replicas, in a dump. Nobody reads by it.

use std::sync::Arc;

/// Starts the name of the group that names a stream's incarnation.
pub(super) const MARKER: &str = "webhook-sender:incarnation:";

/// The most characters of a stream's name in a derived id.
const MAX_NAME: usize = 64;

/// One incarnation of one stream. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// What derived ids begin with.
    prefix: Arc<str>,
    /// The group that names the incarnation.
    marker: Arc<str>,
}

impl Origin {
    pub(super) fn new(stream: &str, incarnation: &str) -> Self {
        // The name is for people: it is the incarnation that makes ids unique.
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = stream.chars().take(MAX_NAME).map(plain).collect();
        Self {
            prefix: format!("{name}_{incarnation}").into(),
            marker: format!("{MARKER}{incarnation}").into(),
        }
    }

    /// Returns a new incarnation: 16 random hex digits.
    pub(super) fn random_incarnation() -> String {
        hex::encode(rand::random::<[u8; 8]>())
    }

    pub(super) fn marker(&self) -> &str {
        &self.marker
    }

    /// Returns the id derived from an entry: unique among all streams and incarnations, the same each
    /// time the entry is taken, and fit to be a `webhook-id`.
    pub(super) fn derived_id(&self, entry: &str) -> String {
        format!("{}_{entry}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use webhook_model::EventId;

    use super::*;

    #[test]
    fn derived_ids_are_event_ids_whatever_the_stream_is_called() {
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
