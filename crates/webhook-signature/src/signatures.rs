//! The list in a `webhook-signature` header.

use alloc::vec::Vec;

use crate::base64::{self, Base64Error};
use crate::hmac_sha256::TAG_BYTES;
use crate::request::Name;
use crate::{Fault, Refusal};

/// The signatures of a list that can be checked here, by version.
#[derive(Default)]
pub(crate) struct Signatures {
    pub(crate) v1: Few<TAG_BYTES>,
    #[cfg(feature = "v1a")]
    pub(crate) v1a: Few<{ crate::ed25519::SIGNATURE_BYTES }>,
}

/// Signatures of one version, in their order.
///
/// Most lists have one of a version, which takes no allocation.
#[derive(Default)]
pub(crate) struct Few<const N: usize> {
    first: Option<[u8; N]>,
    others: Vec<[u8; N]>,
}

impl<const N: usize> Few<N> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8; N]> + Clone {
        self.first.iter().chain(&self.others)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    fn push(&mut self, signature: [u8; N]) {
        match self.first {
            None => self.first = Some(signature),
            Some(_) => self.others.push(signature),
        }
    }
}

impl Signatures {
    /// Adds those of `list`: entries joined by spaces, each a version, a comma and base64.
    ///
    /// One entry that can be checked is enough: others may be of unknown versions, or broken.
    ///
    /// # Errors
    ///
    /// With no such entry, the fault of the first broken one, or [`Refusal::UnknownScheme`] where
    /// all are well-formed and of unknown versions.
    pub(crate) fn read(&mut self, list: &str) -> Result<(), Refusal> {
        let mut first_fault = None;
        for entry in list.split(' ').filter(|entry| !entry.is_empty()) {
            if let Err(fault) = self.add(entry) {
                first_fault.get_or_insert(fault);
            }
        }
        if !self.is_empty() {
            return Ok(());
        }
        let blank = list.trim_matches(' ').is_empty();
        Err(match first_fault.or(blank.then_some(Fault::Empty)) {
            Some(fault) => Name::StandardSignature.malformed(fault),
            None => Refusal::UnknownScheme(Name::StandardSignature.text()),
        })
    }

    fn add(&mut self, entry: &str) -> Result<(), Fault> {
        if let Some(tag) = entry.strip_prefix("v1,") {
            self.v1.push(base64::decode_tag(tag).map_err(fault)?);
            return Ok(());
        }
        #[cfg(feature = "v1a")]
        if let Some(signature) = entry.strip_prefix("v1a,") {
            self.v1a
                .push(base64::decode_exactly(signature).map_err(fault)?);
            return Ok(());
        }
        match entry.contains(',') {
            true => Ok(()),
            false => Err(Fault::NoVersion),
        }
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

fn fault(error: Base64Error) -> Fault {
    match error {
        Base64Error::Form => Fault::NotBase64,
        Base64Error::TooShort => Fault::Truncated,
        Base64Error::TooLong => Fault::TooLong,
    }
}
