//! The prefixes that state the kind of a credential.

/// The prefix of the base64 of a shared secret.
pub(crate) const SHARED: &str = "whsec_";
/// The prefix of the base64 of an ed25519 secret key.
pub(crate) const SIGNING: &str = "whsk_";
/// The prefix of the base64 of an ed25519 public key.
pub(crate) const PUBLIC: &str = "whpk_";
