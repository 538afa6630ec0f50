//! Registrations at one receiver, told apart by the URL that the sender calls.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The parameters that belong to a handshake and not to what is registered.
const OF_THE_HANDSHAKE: [&str; 2] = ["handshake", "token"];

/// The bytes of a SHA-256 that name a registration: too many for two to be found that agree.
const NAME_BYTES: usize = 16;

/// One registration at this receiver, with keys and seen ids of its own.
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
/// One without a query uses the plain names of the stores, as [`Registration::default`] does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration(Option<String>);

impl Registration {
    /// Returns the registration whose URL has this query.
    pub fn of_query(query: &str) -> Self {
        let own = query.split('&').filter(|pair| is_registered(pair));
        let own = own.collect::<Vec<_>>().join("&");
        Self((!own.is_empty()).then(|| name_of(&own)))
    }

    /// Returns the name of this registration's value in the key-value store.
    pub(crate) fn store_name(&self, value: &str) -> String {
        match &self.0 {
            None => value.to_owned(),
            Some(name) => format!("{value}-{name}"),
        }
    }

    /// Returns the name of an id of this registration in the table of ids. The space keeps it apart
    /// from the ids of the registration without a query, which have none.
    pub(crate) fn scoped(&self, id: &str) -> String {
        match &self.0 {
            None => id.to_owned(),
            Some(name) => format!("{name} {id}"),
        }
    }
}

fn is_registered(pair: &str) -> bool {
    let name = form_urlencoded::parse(pair.as_bytes()).next();
    name.is_some_and(|(name, _)| !OF_THE_HANDSHAKE.contains(&&*name))
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
    fn what_belongs_to_the_handshake_makes_no_other_registration() {
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
    fn every_other_query_is_a_registration_of_its_own() {
        let queries = [
            "", "a", "a=", "a=1", "A=1", "a=1&b=2", "b=2&a=1", "tokens=1",
        ];
        for (place, one) in queries.iter().enumerate() {
            for other in &queries[place + 1..] {
                let (one, other) = (Registration::of_query(one), Registration::of_query(other));
                assert_ne!(one, other);
                assert_ne!(one.store_name("key"), other.store_name("key"));
                assert_ne!(one.scoped("msg_1"), other.scoped("msg_1"));
            }
        }
    }
}
