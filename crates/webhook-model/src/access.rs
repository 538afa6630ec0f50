//! Access keys and sessions. Their texts are never stored, only the SHA-256 of each.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{KeyId, Millis, Role, SessionId, TenantId};

/// The SHA-256 of the text of a key or of a session's token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Returns the hash of a text.
    pub fn of(text: impl AsRef<[u8]>) -> Self {
        Self(Sha256::digest(text.as_ref()).into())
    }

    /// Returns the hash with these bytes; `None` if they are not 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash")
    }
}

impl From<TokenHash> for String {
    fn from(hash: TokenHash) -> Self {
        hex::encode(hash.0)
    }
}

impl TryFrom<String> for TokenHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = hex::decode(text).map_err(|_| "not hexadecimal")?;
        Self::from_bytes(&bytes).ok_or("not 32 bytes")
    }
}

/// A key that was created at run time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    pub id: KeyId,
    /// Unique among the keys of a store.
    pub name: String,
    pub role: Role,
    /// The tenant that it is bound to; `None` for administrators.
    pub tenant: Option<TenantId>,
    pub hash: TokenHash,
    pub created_at: Millis,
    /// The moment from which it is invalid.
    pub expires_at: Option<Millis>,
}

/// A session of the pages, which a key has opened. It ends with its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessSession {
    pub id: SessionId,
    /// The hash of its token.
    pub hash: TokenHash,
    /// The key that opened it.
    pub key: KeyId,
    /// The name of that key.
    pub key_name: String,
    /// Set for a session of a tenant's portal, which has less rights than its key.
    pub portal: Option<Portal>,
    pub created_at: Millis,
    /// The moment from which it is invalid.
    pub expires_at: Millis,
}

/// The rights of a portal session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Portal {
    pub tenant: TenantId,
    pub role: Role,
}
