//! What the consumer asks of the platform it runs on.

/// What the platform said when something failed. It is for the log; no outsider gets to see it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {cause}")]
pub struct PlatformError {
    /// What was being done, as `reading the key`.
    pub doing: &'static str,
    /// The platform's own words.
    pub cause: String,
}

/// The key-value store, the variables and the HMAC component.
pub trait Platform {
    /// The stored key's bytes, or `None` before the first handshake. One read of the store.
    fn load_key(&self) -> Result<Option<Vec<u8>>, PlatformError>;

    /// Stores the key in place of the one before.
    fn store_key(&self, key: &[u8]) -> Result<(), PlatformError>;

    /// The variable `handshake_token`; empty where handshakes are open to everyone.
    fn handshake_token(&self) -> Result<String, PlatformError>;

    /// Whether `tag` (hexadecimal) is the tag of `data` under `key`.
    fn verify(&self, data: &[u8], key: &[u8], tag: &[u8]) -> bool;
}
