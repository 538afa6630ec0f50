//! The likely mistake behind a refusal, in words.
//!
//! The component's interface names a refusal by its kind alone; what the sender probably did is
//! seen in the headers.

use crate::{Headers, Unverified};

/// The header that carries the signature of `standard` under the names that Svix uses.
const SVIX: &str = "svix-signature";

/// The digits of a time in milliseconds, from the year 2001 to 2286.
const MILLISECONDS_DIGITS: usize = 13;

/// Adds the likely mistake to the reason of a refusal, where the headers show one.
pub(crate) fn add(unverified: Unverified, headers: &Headers) -> Unverified {
    match unverified {
        Unverified::Refused { code, reason } => {
            let hint = hint(code, headers);
            let reason = hint.map_or(reason.clone(), |hint| format!("{reason}: {hint}"));
            Unverified::Refused { code, reason }
        }
        other => other,
    }
}

fn hint(code: &str, headers: &Headers) -> Option<&'static str> {
    match code {
        "missing-header" if value(headers, SVIX).is_some() => Some(
            "the request has `svix-id`, `svix-timestamp` and `svix-signature`, which are read here \
             as `webhook-id`, `webhook-timestamp` and `webhook-signature`",
        ),
        "too-new" if is_in_milliseconds(headers) => {
            Some("`webhook-timestamp` is in milliseconds and is counted in seconds")
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
