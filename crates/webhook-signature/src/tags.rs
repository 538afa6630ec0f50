//! Comparing tags.

use crate::Key;
use crate::hmac_sha256::{self, TAG_BYTES};

/// Whether any of `tags` is the tag of the message `parts` under any of `keys`.
///
/// The message is hashed once a key, however many tags there are. Each comparison takes the same
/// time whichever byte differs. How many keys were tried before one matched can be measured; it
/// says nothing about the keys.
pub(crate) fn any_matches<'k, 't>(
    keys: impl IntoIterator<Item = &'k Key>,
    parts: &[&[u8]],
    tags: impl Iterator<Item = &'t [u8; TAG_BYTES]> + Clone,
) -> bool {
    keys.into_iter().any(|key| {
        let right = hmac_sha256::tag(key, parts);
        tags.clone().any(|tag| right.is(tag))
    })
}
