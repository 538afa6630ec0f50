//! Registrations at one receiver, distinguished by the URL that the sender calls.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The query parameters of a handshake, which are not part of the registration.
const HANDSHAKE_PARAMETERS: [&str; 2] = ["handshake", "token"];

/// The number of bytes of a SHA-256 in a registration's name, enough to resist collisions.
const NAME_BYTES: usize = 16;

/// One registration at this receiver, with its own keys and ids.
///
/// A sender calls exactly the URL that it registered. A receiver serves one path, so its
/// registrations differ by the query, without the parameters `handshake` and `token`:
///
/// ```
/// use webhook_receiver::Registration;
///
/// let handshake = Registration::of_query("customer=7&token=s3cret&handshake=true");
/// assert_eq!(handshake, Registration::of_query("customer=7&token=s3cret"));
/// assert_ne!(handshake, Registration::of_query("customer=8"));
/// ```
///
/// A registration without a query uses the plain names in the stores, like [`Registration::default`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration(Option<String>);

impl Registration {
    /// Returns the registration whose URL has this query.
    pub fn of_query(query: &str) -> Self {
        let own = query.split('&').filter(|pair| is_registered(pair));
        let own = own.collect::<Vec<_>>().join("&");
        Self((!own.is_empty()).then(|| name_of(&own)))
    }

    /// Returns the name of a value of this registration in the key-value store.
    pub(crate) fn store_name(&self, value: &str) -> String {
        match &self.0 {
            None => value.to_owned(),
            Some(name) => format!("{value}-{name}"),
        }
    }

    /// Returns the name of an id of this registration in the table of ids. The space distinguishes
    /// it from the ids of the registration without a query, which have none.
    pub(crate) fn scoped(&self, id: &str) -> String {
        match &self.0 {
            None => id.to_owned(),
            Some(name) => format!("{name} {id}"),
        }
    }
}

fn is_registered(pair: &str) -> bool {
    let name = form_urlencoded::parse(pair.as_bytes()).next();
    name.is_some_and(|(name, _)| !HANDSHAKE_PARAMETERS.contains(&&*name))
}

fn name_of(query: &str) -> String {
    let digest = Sha256::digest(query.as_bytes());
    digest
        .iter()
        .take(NAME_BYTES)
        .fold(String::new(), |mut name, byte| {
            let _ = write!(name, "{byte:02x}");
            name
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_of_a_handshake_are_not_part_of_the_registration() {
        for query in [
            "",
            "&",
            "handshake=true",
            "token=t&handshake=true",
            "hand%73hake=true&tok%65n=t",
            "handshake=true&token=a&token=b",
        ] {
            assert_eq!(
                Registration::of_query(query),
                Registration::default(),
                "{query}"
            );
        }
        let one = Registration::of_query("a=1&b=2");
        for query in ["a=1&b=2&handshake=true", "token=t&a=1&&b=2"] {
            assert_eq!(Registration::of_query(query), one, "{query}");
        }
    }

    #[test]
    fn every_other_query_is_its_own_registration() {
        let queries = [
            "", "a", "a=", "a=1", "A=1", "a=1&b=2", "b=2&a=1", "tokens=1",
        ];
        for (index, one) in queries.iter().enumerate() {
            for other in &queries[index + 1..] {
                let (one, other) = (Registration::of_query(one), Registration::of_query(other));
                assert_ne!(one, other);
                assert_ne!(one.store_name("key"), other.store_name("key"));
                assert_ne!(one.scoped("msg_1"), other.scoped("msg_1"));
            }
        }
    }
}
