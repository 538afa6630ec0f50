//! The keys in use: the one of the last handshake, and those it replaced that are still valid.
//!
//! | key of the store | value |
//! |---|---|
//! | `signing-key-data` | the key of the last handshake, as text |
//! | `signing-key-previous` | JSON: the keys before it and until when each is valid |
//!
//! A [`Registration`] with a query has both for itself, with its name behind a hyphen.

use serde::{Deserialize, Serialize};

use crate::{KeyValue, PlatformError, Registration};

/// The key of the last handshake.
const CURRENT: &str = "signing-key-data";

/// Those before it.
const RETIRED: &str = "signing-key-previous";

/// How many replaced keys are kept. Rotation needs one; more are there so that a handshake that is
/// repeated does not take away a key that is still used.
const MAX_RETIRED: usize = 4;

/// A key that was replaced. It has no `Debug`, for it holds the key.
#[derive(Serialize, Deserialize)]
struct Retired {
    key: String,
    /// Unix seconds; from then on it is not accepted.
    until: u64,
}

/// The key of the last handshake, or `None` before the first.
///
/// Whoever needs the retired keys too reads them after this one: of a key that is being replaced
/// meanwhile, one of the two reads then tells.
pub fn current(
    store: &impl KeyValue,
    registration: &Registration,
) -> Result<Option<String>, PlatformError> {
    let bytes = store.get(&registration.store_name(CURRENT))?;
    bytes
        .map(|bytes| text(bytes, "reading the key"))
        .transpose()
}

/// The replaced keys that are valid at `now`, the newest first.
pub fn retired(
    store: &impl KeyValue,
    registration: &Registration,
    now: u64,
) -> Result<Vec<String>, PlatformError> {
    let retired = load(store, registration, now)?;
    Ok(retired.into_iter().map(|retired| retired.key).collect())
}

/// Makes `key` the current one. The one before stays valid for `overlap` seconds.
///
/// Two at once would each keep the key that was there before both, and one of theirs would be
/// lost: the caller sees to it that they come one after the other.
pub fn replace(
    store: &impl KeyValue,
    registration: &Registration,
    key: &str,
    now: u64,
    overlap: u64,
) -> Result<(), PlatformError> {
    let mut retired = load(store, registration, now)?;
    if let Some(before) = current(store, registration)?
        && overlap > 0
    {
        let until = now.saturating_add(overlap);
        retired.insert(0, Retired { key: before, until });
    }
    retired.retain(|retired| retired.key != key);
    retired.truncate(MAX_RETIRED);
    // First, so that the key that is replaced is found in one place or the other at any time.
    store.set(&registration.store_name(RETIRED), &json(&retired)?)?;
    store.set(&registration.store_name(CURRENT), key.as_bytes())
}

fn load(
    store: &impl KeyValue,
    registration: &Registration,
    now: u64,
) -> Result<Vec<Retired>, PlatformError> {
    let Some(bytes) = store.get(&registration.store_name(RETIRED))? else {
        return Ok(Vec::new());
    };
    let mut retired: Vec<Retired> = serde_json::from_slice(&bytes).map_err(|_| PlatformError {
        doing: "reading the previous keys",
        // The library's own words may quote a key.
        cause: format!("the value under `{RETIRED}` has not the form it needs"),
    })?;
    retired.retain(|retired| now < retired.until);
    Ok(retired)
}

fn json(retired: &[Retired]) -> Result<Vec<u8>, PlatformError> {
    serde_json::to_vec(retired).map_err(|error| PlatformError {
        doing: "writing the previous keys",
        cause: error.to_string(),
    })
}

fn text(bytes: Vec<u8>, doing: &'static str) -> Result<String, PlatformError> {
    String::from_utf8(bytes).map_err(|_| PlatformError {
        doing,
        cause: format!("the value under `{CURRENT}` is no text"),
    })
}
