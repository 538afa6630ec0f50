//! Verification of signatures.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use super::credentials;
use crate::Component;
use crate::world::signatures::verify::{
    Error, Freshness, Guest, MalformedHeader, Refusal, Request, Scheme, Verified,
};

impl Guest for Component {
    fn verify(
        keys: Vec<String>,
        request: Request,
        freshness: Freshness,
        weakest: Scheme,
    ) -> Result<Verified, Error> {
        let keys = credentials::read(keys).map_err(Error::BadKey)?;
        let headers = request.headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value));
        let request = webhook_signature::Request::new(headers, &request.body);
        let freshness =
            webhook_signature::Freshness::at(freshness.now).tolerating(freshness.tolerance);
        let verified = webhook_signature::verify(&keys, &request, freshness, weakest.into());
        verified
            .map(Verified::from)
            .map_err(|refusal| Error::Refused(refusal.into()))
    }
}

impl From<webhook_signature::Verified<'_>> for Verified {
    fn from(verified: webhook_signature::Verified<'_>) -> Self {
        Self {
            scheme: verified.scheme.into(),
            id: verified.id.map(str::to_owned),
            at: verified.at,
        }
    }
}

impl From<webhook_signature::Refusal> for Refusal {
    fn from(refusal: webhook_signature::Refusal) -> Self {
        match refusal {
            webhook_signature::Refusal::MissingHeader(header) => {
                Self::MissingHeader(header.to_owned())
            }
            webhook_signature::Refusal::MalformedHeader { header, fault } => {
                Self::MalformedHeader(MalformedHeader {
                    header: header.to_owned(),
                    fault: fault.into(),
                })
            }
            webhook_signature::Refusal::UnknownScheme(header) => {
                Self::UnknownScheme(header.to_owned())
            }
            webhook_signature::Refusal::TooOld => Self::TooOld,
            webhook_signature::Refusal::TooNew => Self::TooNew,
            webhook_signature::Refusal::NoMatch => Self::NoMatch,
        }
    }
}
