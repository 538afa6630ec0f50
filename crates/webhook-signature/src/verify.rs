//! Verification of a request in the strongest scheme it has.

use crate::header::HeaderName;
use crate::{Credential, Freshness, Refusal, Request, Scheme, plain, standard, wss};

/// The signed properties of an accepted request, besides its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<'a> {
    /// The scheme that was verified.
    pub scheme: Scheme,
    /// The event's id, which only `standard` signs.
    pub id: Option<&'a str>,
    /// The time of signing, in Unix seconds. `plain` does not sign it.
    pub at: Option<i64>,
}

/// Accepts `request` if its signature is valid under any of `keys`.
///
/// The strongest scheme whose signature header is present decides alone. If it rejects the request,
/// no weaker one is tried. Schemes weaker than `weakest` are ignored: with [`Scheme::Wss`], an
/// attacker cannot remove the stronger headers of a captured request and replay it with its
/// `X-Signature`.
///
/// ```
/// use webhook_signature::{Credential, Freshness, Refusal, Request, Scheme, verify};
///
/// let keys = [Credential::parse("Jefe")?];
/// let tag = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
/// let request = Request::new([("X-Signature", tag)], b"what do ya want for nothing?");
/// let now = Freshness::at(1_614_265_330);
///
/// let verified = verify(&keys, &request, now, Scheme::Plain)?;
/// assert_eq!(verified.scheme, Scheme::Plain);
///
/// let refusal = verify(&keys, &request, now, Scheme::Standard).unwrap_err();
/// assert_eq!(refusal, Refusal::MissingHeader("webhook-signature"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Returns the error of the scheme that decides, or [`Refusal::MissingHeader`] with the signature
/// header of `weakest` if the request has no signature header.
pub fn verify<'a>(
    keys: &[Credential],
    request: &Request<'a>,
    freshness: Freshness,
    weakest: Scheme,
) -> Result<Verified<'a>, Refusal> {
    let scheme = Scheme::ALL
        .into_iter()
        .filter(|scheme| *scheme >= weakest)
        .find(|scheme| request.has(scheme.signature()))
        .ok_or(Refusal::MissingHeader(weakest.header()))?;
    let shared = keys.iter().filter_map(Credential::written);
    let (id, at) = match scheme {
        Scheme::Plain => {
            let tag = request.required(HeaderName::Plain)?;
            plain::verify(shared, request.body(), Some(tag.as_bytes()))?;
            (None, None)
        }
        Scheme::Wss => (None, Some(wss::verify(shared, request, freshness)?)),
        Scheme::Standard => {
            let signed = standard::verify(keys, request, freshness)?;
            (Some(signed.id), Some(signed.at))
        }
    };
    Ok(Verified { scheme, id, at })
}
