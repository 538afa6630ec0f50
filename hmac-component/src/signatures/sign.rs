//! Creation of signatures.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use webhook_signature::{Credential, SignError};

use super::credentials;
use crate::Component;
use crate::world::signatures::sign::{Error, Guest, Headers, Message, Scheme};

impl Guest for Component {
    fn sign(schemes: Vec<Scheme>, keys: Vec<String>, message: Message) -> Result<Headers, Error> {
        let keys = credentials::read(keys).map_err(Error::BadKey)?;
        let mut headers = Headers::new();
        for scheme in schemes {
            headers.append(&mut headers_of(scheme, &keys, &message)?);
        }
        Ok(headers)
    }
}

fn headers_of(scheme: Scheme, keys: &[Credential], message: &Message) -> Result<Headers, Error> {
    let message = webhook_signature::Message {
        id: &message.id,
        timestamp: message.timestamp,
        body: &message.body,
    };
    let headers = webhook_signature::sign(scheme.into(), keys, &message)?;
    let owned = |(name, value): webhook_signature::Header| (name.to_owned(), value.into_bytes());
    Ok(headers.into_iter().map(owned).collect())
}

impl From<SignError> for Error {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Id(fault) => Self::BadId(fault.into()),
            SignError::Timestamp(fault) => Self::BadTimestamp(fault.into()),
            SignError::NoKey(scheme) => Self::NoKey(scheme.into()),
        }
    }
}
