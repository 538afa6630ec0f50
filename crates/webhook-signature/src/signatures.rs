//! The signature list of a `webhook-signature` header.

use crate::base64::{self, Base64Error};
use crate::header::HeaderName;
use crate::hmac_sha256::TAG_BYTES;
use crate::small_list::SmallList;
use crate::{Fault, Refusal};

/// The signatures of a list whose versions are supported, by version.
#[derive(Default)]
pub(crate) struct Signatures {
    pub(crate) v1: SmallList<TAG_BYTES>,
    #[cfg(feature = "v1a")]
    pub(crate) v1a: SmallList<{ crate::ed25519::SIGNATURE_BYTES }>,
}

impl Signatures {
    /// Adds the entries of `list`, which are separated by spaces: a version, a comma and base64 each.
    ///
    /// One entry of a supported version is enough: others may have unknown versions or be malformed.
    ///
    /// # Errors
    ///
    /// Without such an entry, returns the fault of the first malformed one, or
    /// [`Refusal::UnknownScheme`] if all are well-formed and of unknown versions.
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
            Some(fault) => HeaderName::StandardSignature.malformed(fault),
            None => Refusal::UnknownScheme(HeaderName::StandardSignature.text()),
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
        if entry.contains(',') {
            Ok(())
        } else {
            Err(Fault::NoVersion)
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
