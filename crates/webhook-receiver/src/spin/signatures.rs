//! The component's interface, and the texts for its errors.

use super::bindings::{keys, types, verify};
use super::platform::Spin;
use crate::{Scheme, Signatures, Verified, VerifyError, VerifyInput};

impl Signatures for Spin {
    fn fingerprint(&self, key: &str) -> Result<String, String> {
        keys::fingerprint(key).map_err(|fault| key_fault(&fault))
    }

    fn verify(&self, keys: &[&str], input: VerifyInput<'_>) -> Result<Verified, VerifyError> {
        let headers: Vec<_> = input
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect();
        let request = verify::RequestParam {
            headers: &headers,
            body: input.body,
        };
        let freshness = verify::Freshness {
            now: input.now,
            tolerance: input.tolerance,
        };
        verify::verify(keys, request, freshness, to_wit(input.weakest))
            .map(|verified| Verified {
                scheme: from_wit(verified.scheme),
                id: verified.id,
                at: verified.at,
            })
            .map_err(verify_error)
    }
}

fn to_wit(scheme: Scheme) -> types::Scheme {
    match scheme {
        Scheme::Plain => types::Scheme::Plain,
        Scheme::Wss => types::Scheme::Wss,
        Scheme::Standard => types::Scheme::Standard,
    }
}

fn from_wit(scheme: types::Scheme) -> Scheme {
    match scheme {
        types::Scheme::Plain => Scheme::Plain,
        types::Scheme::Wss => Scheme::Wss,
        types::Scheme::Standard => Scheme::Standard,
    }
}

fn verify_error(error: verify::Error) -> VerifyError {
    match error {
        verify::Error::BadKey(bad) => VerifyError::BadKey(key_fault(&bad.fault)),
        verify::Error::Refused(refusal) => refused(refusal),
    }
}

fn refused(refusal: verify::Refusal) -> VerifyError {
    use verify::Refusal;
    let (code, reason) = match refusal {
        Refusal::MissingHeader(header) => {
            ("missing-header", format!("header `{header}` is missing"))
        }
        Refusal::MalformedHeader(verify::MalformedHeader { header, fault }) => (
            "malformed-header",
            format!("header `{header}` is malformed: {}", fault_text(&fault)),
        ),
        Refusal::UnknownScheme(header) => (
            "unknown-scheme",
            format!("header `{header}` has no signature of a known version"),
        ),
        Refusal::TooOld => ("too-old", "the signature is too old".to_owned()),
        Refusal::TooNew => ("too-new", "the signature is dated in the future".to_owned()),
        Refusal::NoMatch => ("no-match", "the signature does not match".to_owned()),
    };
    VerifyError::Refused { code, reason }
}

fn fault_text(fault: &types::Fault) -> String {
    use types::Fault;
    let text = match fault {
        Fault::Repeated => "it occurs more than once",
        Fault::Empty => "it is empty",
        Fault::Huge(max) => return format!("it is longer than {max} bytes"),
        Fault::NotAscii(index) => return format!("byte {index} is not printable ASCII"),
        Fault::IdForm => "the id contains a full stop or a space",
        Fault::TimestampForm => "the timestamp has an unknown format",
        Fault::NoSuchTime => "the date or time does not exist",
        Fault::OutOfRange => "the timestamp is too large",
        Fault::NoVersion => "an entry is not a version, a comma and a signature",
        Fault::NotBase64 => "the signature is not standard base64",
        Fault::OddLength => "the tag has an odd number of hex digits",
        Fault::Truncated => "the tag is too short",
        Fault::TooLong => "the tag is too long",
        Fault::NotHex(index) => return format!("byte {index} of the tag is not a hex digit"),
        Fault::Other(text) => text,
    };
    text.to_owned()
}

fn key_fault(fault: &types::KeyFault) -> String {
    use types::KeyFault;
    let text = match fault {
        KeyFault::Empty => "the secret is empty",
        KeyFault::WhiteSpace => {
            "the secret begins or ends with white space or an invisible character"
        }
        KeyFault::ByteOrderMark => "the secret begins or ends with a byte order mark",
        KeyFault::Quotes => "the secret is in quotes, which are not part of it",
        KeyFault::Version => {
            "the secret begins with `v1,` or `v1a,`, the version of a signature; leave it out"
        }
        KeyFault::Prefix(meant) => {
            return format!(
                "the secret's prefix resembles `{meant}`, which is lower-case and comes first"
            );
        }
        KeyFault::NotBase64 => "the secret is not standard base64 behind its prefix",
        KeyFault::TooShort => "the secret has too few bytes",
        KeyFault::TooLong => "the secret has too many bytes",
        KeyFault::NotAKey => "the secret is not a valid ed25519 key",
        KeyFault::NoEd25519 => "ed25519 keys are not supported by the component",
        KeyFault::Other(text) => text,
    };
    text.to_owned()
}
