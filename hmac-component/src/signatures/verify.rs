//! Checking signatures.

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
        let request = signature::Request::new(headers, &request.body);
        let freshness = signature::Freshness::at(freshness.now).tolerating(freshness.tolerance);
        let verified = signature::verify(&keys, &request, freshness, weakest.into());
        verified
            .map(Verified::from)
            .map_err(|refusal| Error::Refused(refusal.into()))
    }
}

impl From<signature::Verified<'_>> for Verified {
    fn from(verified: signature::Verified<'_>) -> Self {
        Self {
            scheme: verified.scheme.into(),
            id: verified.id.map(str::to_owned),
            at: verified.at,
        }
    }
}

impl From<signature::Refusal> for Refusal {
    fn from(refusal: signature::Refusal) -> Self {
        match refusal {
            signature::Refusal::MissingHeader(header) => Self::MissingHeader(header.to_owned()),
            signature::Refusal::MalformedHeader { header, fault } => {
                Self::MalformedHeader(MalformedHeader {
                    header: header.to_owned(),
                    fault: fault.into(),
                })
            }
            signature::Refusal::UnknownScheme(header) => Self::UnknownScheme(header.to_owned()),
            signature::Refusal::TooOld => Self::TooOld,
            signature::Refusal::TooNew => Self::TooNew,
            signature::Refusal::NoMatch => Self::NoMatch,
        }
    }
}
