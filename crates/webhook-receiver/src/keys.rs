//! The keys in use: the one of the last handshake, and replaced ones that are still valid.
//!
//! | key of the store | value |
//! |---|---|
//! | `signing-key-data` | the key of the last handshake, as text |
//! | `signing-key-previous` | JSON: the replaced keys, and the time until which each is valid |
//!
//! A [`Registration`] with a query has its own pair, with its name behind a hyphen.

use serde::{Deserialize, Serialize};

use crate::{PlatformError, Registration, Store};

/// The name of the key of the last handshake.
const CURRENT: &str = "signing-key-data";

/// The name of the replaced keys.
const RETIRED: &str = "signing-key-previous";

/// The maximum number of replaced keys. Rotation needs one; the others make sure that a repeated
/// handshake does not drop a key that is still in use.
const MAX_RETIRED: usize = 4;

/// A replaced key. It has no `Debug`, because it contains the key.
#[derive(Serialize, Deserialize)]
struct Retired {
    key: String,
    /// Unix seconds; the key is valid before this time.
    until: u64,
}

/// Returns the key of the last handshake, or `None` before the first.
///
/// A caller that needs the replaced keys as well must read them after this one: a key that is being
/// replaced at the same time is then found in one of the two.
pub fn current(
    store: &impl Store,
    registration: &Registration,
) -> Result<Option<String>, PlatformError> {
    let bytes = store.key(&registration.store_name(CURRENT))?;
    bytes
        .map(|bytes| text(bytes, "reading the key"))
        .transpose()
}

/// Returns the replaced keys that are valid at `now`, the newest first.
pub fn retired(
    store: &impl Store,
    registration: &Registration,
    now: u64,
) -> Result<Vec<String>, PlatformError> {
    let retired = load(store, registration, now)?;
    Ok(retired.into_iter().map(|retired| retired.key).collect())
}

/// Stores `key` as the current one. The previous one stays valid for `overlap` seconds.
///
/// The caller must not run two of these concurrently: both would retire the same key, and one of
/// the new keys would be lost.
pub fn replace(
    store: &impl Store,
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
    // The order matters: the replaced key can be found in one of the two places at any time.
    store.set_key(&registration.store_name(RETIRED), &json(&retired)?)?;
    store.set_key(&registration.store_name(CURRENT), key.as_bytes())
}

fn load(
    store: &impl Store,
    registration: &Registration,
    now: u64,
) -> Result<Vec<Retired>, PlatformError> {
    let Some(bytes) = store.key(&registration.store_name(RETIRED))? else {
        return Ok(Vec::new());
    };
    let mut retired: Vec<Retired> = serde_json::from_slice(&bytes).map_err(|_| PlatformError {
        doing: "reading the previous keys",
        // The parser's own message may quote a key.
        cause: format!("the value under `{RETIRED}` is malformed"),
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
