//! The sender's likely mistake, in words.
//!
//! The component's interface only states the kind of a refusal; the headers show more.

use crate::{Headers, VerifyError};

/// The signature header of senders that use the names of Svix.
const SVIX: &str = "svix-signature";

/// The number of digits of a timestamp in milliseconds, from the year 2001 to 2286.
const MILLISECONDS_DIGITS: usize = 13;

/// Appends the likely mistake to the reason of a refusal, if the headers show one.
pub(crate) fn add(error: VerifyError, headers: &Headers) -> VerifyError {
    match error {
        VerifyError::Refused { code, reason } => {
            let hint = hint(code, headers);
            let reason = hint.map_or(reason.clone(), |hint| format!("{reason}: {hint}"));
            VerifyError::Refused { code, reason }
        }
        other => other,
    }
}

fn hint(code: &str, headers: &Headers) -> Option<&'static str> {
    match code {
        "missing-header" if value(headers, SVIX).is_some() => Some(
            "the request has `svix-id`, `svix-timestamp` and `svix-signature`, which this \
             receiver expects as `webhook-id`, `webhook-timestamp` and `webhook-signature`",
        ),
        "too-new" if is_in_milliseconds(headers) => {
            Some("`webhook-timestamp` is in milliseconds, not seconds")
        }
        _ => None,
    }
}

fn is_in_milliseconds(headers: &Headers) -> bool {
    value(headers, "webhook-timestamp").is_some_and(|time| {
        time.len() == MILLISECONDS_DIGITS && time.iter().all(u8::is_ascii_digit)
    })
}

fn value<'a>(headers: &'a Headers, name: &str) -> Option<&'a [u8]> {
    let mut named = headers
        .iter()
        .filter(|(header, _)| header.eq_ignore_ascii_case(name));
    named.next().map(|(_, value)| value.as_slice())
}
