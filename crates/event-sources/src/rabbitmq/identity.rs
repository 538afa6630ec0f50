//! The identity of messages. RabbitMQ gives a message none: the property `message_id` is the publisher's.
//!
//! A message with a `message_id` has the same derived id whenever it is delivered: publishers of other
//! queues, of other virtual hosts and of other sources may use the same `message_id`. One without gets a
//! random id, which it keeps when it is delivered again to this process, where it is recognised by its
//! content. If the process is killed between accepting and acknowledging it, it becomes two events.

use std::collections::{BTreeMap, HashMap, VecDeque};

use sha2::{Digest, Sha256};

use crate::message::Message;

/// The most messages of earlier sessions that are remembered.
const REMEMBERED: usize = 4096;

/// The number of hex digits of a hash in a derived id.
const HASH_DIGITS: usize = 32;

type Fingerprint = [u8; 32];

/// The messages that are not settled, and those of earlier sessions without an identity.
#[derive(Default)]
pub(super) struct Identities {
    /// By delivery tag.
    unsettled: BTreeMap<u64, Option<(Fingerprint, String)>>,
    remembered: HashMap<Fingerprint, VecDeque<String>>,
    count: usize,
}

impl Identities {
    /// Returns the derived id of a message, and records that it is not settled.
    pub(super) fn derive(
        &mut self,
        place: QueueName<'_>,
        message: &Message,
        delivery: Delivered<'_>,
    ) -> String {
        let source = place.source;
        if let Some(id) = delivery.message_id {
            self.unsettled.insert(delivery.tag, None);
            let parts = [place.vhost, place.queue, id].map(str::as_bytes);
            return format!("{source}_{}", hash_of(&parts));
        }
        let fingerprint = fingerprint(message);
        let known = delivery
            .redelivered
            .then(|| self.recall(&fingerprint))
            .flatten();
        let derived = known
            .unwrap_or_else(|| format!("{source}_{}", hex::encode(rand::random::<[u8; 16]>())));
        let unsettled = Some((fingerprint, derived.clone()));
        self.unsettled.insert(delivery.tag, unsettled);
        derived
    }

    /// Records that messages are settled. Returns `true` if these and no others were delivered up to the
    /// last of them.
    pub(super) fn settled(&mut self, tags: &[u64]) -> bool {
        for tag in tags {
            self.unsettled.remove(tag);
        }
        let (last, first) = (tags.iter().max(), self.unsettled.keys().next());
        last.zip(first).is_none_or(|(last, first)| last < first)
    }

    /// Ends a session: what is not settled will be delivered again.
    pub(super) fn session_ended(&mut self) {
        for (fingerprint, derived) in std::mem::take(&mut self.unsettled).into_values().flatten() {
            if self.count < REMEMBERED {
                let ids = self.remembered.entry(fingerprint).or_default();
                ids.push_back(derived);
                self.count += 1;
            }
        }
    }

    fn recall(&mut self, fingerprint: &Fingerprint) -> Option<String> {
        let ids = self.remembered.get_mut(fingerprint)?;
        let id = ids.pop_front();
        if ids.is_empty() {
            self.remembered.remove(fingerprint);
        }
        self.count -= usize::from(id.is_some());
        id
    }
}

/// The queue that a message came from.
#[derive(Clone, Copy)]
pub(super) struct QueueName<'a> {
    pub source: &'a str,
    pub vhost: &'a str,
    pub queue: &'a str,
}

/// The circumstances of a delivery.
#[derive(Clone, Copy)]
pub(super) struct Delivered<'a> {
    pub tag: u64,
    pub redelivered: bool,
    pub message_id: Option<&'a str>,
}

fn fingerprint(message: &Message) -> Fingerprint {
    let mut hash = Sha256::new();
    for (name, value) in &message.headers {
        for part in [name, value] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hash.update((message.cut as u64).to_be_bytes());
    hash.update(&message.body);
    hash.finalize().into()
}

fn hash_of(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())[..HASH_DIGITS].to_owned()
}

#[cfg(test)]
mod tests {
    use webhook_model::EventId;

    use super::*;

    fn message(body: &'static str) -> Message {
        Message {
            body: body.into(),
            ..Message::default()
        }
    }

    const PLACE: QueueName<'static> = QueueName {
        source: "source",
        vhost: "/",
        queue: "queue",
    };

    fn derive(known: &mut Identities, body: &'static str, delivery: Delivered<'_>) -> String {
        derive_at(PLACE, known, body, delivery)
    }

    fn derive_at(
        place: QueueName<'_>,
        known: &mut Identities,
        body: &'static str,
        delivery: Delivered<'_>,
    ) -> String {
        let derived = known.derive(place, &message(body), delivery);
        EventId::parse(&derived).unwrap();
        derived
    }

    fn delivered(tag: u64, redelivered: bool) -> Delivered<'static> {
        Delivered {
            tag,
            redelivered,
            message_id: None,
        }
    }

    #[test]
    fn a_message_with_an_id_is_the_same_event_in_every_process() {
        let with_id = |id| Delivered {
            message_id: Some(id),
            ..delivered(1, false)
        };
        let one = derive(&mut Identities::default(), "1", with_id("a b"));
        assert_eq!(one, derive(&mut Identities::default(), "1", with_id("a b")));
        assert_ne!(one, derive(&mut Identities::default(), "1", with_id("a c")));
    }

    #[test]
    fn one_message_id_in_two_places_is_two_events() {
        let delivery = Delivered {
            message_id: Some("1"),
            ..delivered(1, false)
        };
        let places = [
            PLACE,
            QueueName {
                source: "other",
                ..PLACE
            },
            QueueName {
                vhost: "other",
                ..PLACE
            },
            QueueName {
                queue: "other",
                ..PLACE
            },
            QueueName {
                vhost: "/queue",
                queue: "",
                ..PLACE
            },
        ];
        let ids = places.map(|place| derive_at(place, &mut Identities::default(), "1", delivery));
        let different: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(different.len(), places.len(), "{ids:?}");
    }

    #[test]
    fn equal_messages_without_an_id_are_two_events() {
        let mut known = Identities::default();
        let one = derive(&mut known, "1", delivered(1, false));
        assert_ne!(one, derive(&mut known, "1", delivered(2, false)));
    }

    #[test]
    fn a_message_that_is_delivered_again_keeps_its_id() {
        let mut known = Identities::default();
        let ids = [1, 2].map(|tag| derive(&mut known, "1", delivered(tag, false)));
        let settled = derive(&mut known, "1", delivered(3, false));
        known.settled(&[3]);
        known.session_ended();
        let again = [1, 2].map(|tag| derive(&mut known, "1", delivered(tag, true)));
        assert_eq!(again, ids);
        let other = derive(&mut known, "1", delivered(3, true));
        assert!(!ids.contains(&other) && other != settled);
    }

    #[test]
    fn tags_are_settled_together_if_none_before_them_is_left() {
        let mut known = Identities::default();
        for tag in 1..=5 {
            derive(&mut known, "1", delivered(tag, false));
        }
        assert!(known.settled(&[2, 1]));
        assert!(!known.settled(&[4]));
        assert!(known.settled(&[3]));
        assert!(known.settled(&[5]));
    }
}
