//! The list in a `webhook-signature` header.

use alloc::vec::Vec;

use crate::base64::{self, Base64Error};
use crate::hmac_sha256::TAG_BYTES;
use crate::{Fault, Refusal, standard};

/// The signatures of a list that can be checked here, by version.
#[derive(Default)]
pub(crate) struct Signatures {
    pub(crate) v1: Vec<[u8; TAG_BYTES]>,
    #[cfg(feature = "v1a")]
    pub(crate) v1a: Vec<[u8; crate::ed25519::SIGNATURE_BYTES]>,
}

impl Signatures {
    /// Reads `list`: entries joined by spaces, each a version, a comma and base64.
    ///
    /// One entry that can be checked is enough: others may be of unknown versions, or broken.
    ///
    /// # Errors
    ///
    /// With no such entry, the fault of the first broken one, or [`Refusal::UnknownScheme`] where
    /// all are well-formed and of unknown versions.
    pub(crate) fn parse(list: &str) -> Result<Self, Refusal> {
        let mut signatures = Self::default();
        let mut first_fault = None;
        for entry in list.split(' ').filter(|entry| !entry.is_empty()) {
            if let Err(fault) = signatures.add(entry) {
                first_fault.get_or_insert(fault);
            }
        }
        if !signatures.is_empty() {
            return Ok(signatures);
        }
        Err(match first_fault {
            Some(fault) => standard::malformed(standard::SIGNATURE, fault),
            None if list.trim_matches(' ').is_empty() => {
                standard::malformed(standard::SIGNATURE, Fault::Empty)
            }
            None => Refusal::UnknownScheme(standard::SIGNATURE),
        })
    }

    fn add(&mut self, entry: &str) -> Result<(), Fault> {
        match entry.split_once(',').ok_or(Fault::NoVersion)? {
            ("v1", tag) => self.v1.push(decode(tag)?),
            #[cfg(feature = "v1a")]
            ("v1a", signature) => self.v1a.push(decode(signature)?),
            _ => {}
        }
        Ok(())
    }

    #[cfg(feature = "v1a")]
    fn is_empty(&self) -> bool {
        self.v1.is_empty() && self.v1a.is_empty()
    }

    #[cfg(not(feature = "v1a"))]
    fn is_empty(&self) -> bool {
        self.v1.is_empty()
    }
}

fn decode<const N: usize>(text: &str) -> Result<[u8; N], Fault> {
    base64::decode_exactly(text).map_err(|error| match error {
        Base64Error::Form => Fault::NotBase64,
        Base64Error::TooShort => Fault::Truncated,
        Base64Error::TooLong => Fault::TooLong,
    })
}
