//! The ids of firings.

use std::fmt;

use rand::CryptoRng;
use rand::distr::{Alphanumeric, SampleString};

/// The prefix of every id, so that it is recognisable.
const PREFIX: &str = "msg_";

/// The number of random characters, each one of 62: 160 bits, so that no id is drawn twice.
const LENGTH: usize = 27;

/// The value of `webhook-id`: new for each firing, and the same for all its consumers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventId(String);

impl EventId {
    /// Generates an id: `msg_` and 27 characters, each drawn uniformly from `A-Z`, `a-z` and `0-9`.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut id = PREFIX.to_owned();
        Alphanumeric.append_string(rng, &mut id, LENGTH);
        Self(id)
    }

    /// Returns the id as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_id_has_a_form_that_every_receiver_accepts() {
        for _ in 0..100 {
            let id = EventId::generate(&mut rand::rng());
            let drawn = id.as_str().strip_prefix("msg_").expect("the prefix");
            assert_eq!(drawn.len(), 27);
            assert!(drawn.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
    }

    #[test]
    fn ids_do_not_repeat() {
        let ids: HashSet<String> = (0..1000)
            .map(|_| EventId::generate(&mut rand::rng()).0)
            .collect();
        assert_eq!(ids.len(), 1000);
    }
}
