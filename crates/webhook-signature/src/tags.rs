//! Comparison of tags.

use crate::Key;
use crate::hmac_sha256::TAG_BYTES;

/// Returns true if any of `tags` is the tag of the message `parts` under any of `keys`.
///
/// The message is hashed once per key, for any number of tags. Each comparison runs in constant
/// time. The number of keys tried before a match is measurable; it reveals nothing about the keys.
pub(crate) fn any_matches<'k, 't>(
    keys: impl IntoIterator<Item = &'k Key>,
    parts: &[&[u8]],
    tags: impl Iterator<Item = &'t [u8; TAG_BYTES]> + Clone,
) -> bool {
    keys.into_iter().any(|key| {
        let expected = key.tag(parts);
        tags.clone().any(|tag| expected.is(tag))
    })
}
