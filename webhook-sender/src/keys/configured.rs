//! The keys of the configuration file.

use subtle::ConstantTimeEq;
use webhook_model::{KeyId, Role, TenantId, TokenHash};

use super::principal::Principal;

/// A key of the configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredKey {
    pub id: KeyId,
    pub name: String,
    pub role: Role,
    pub tenant: Option<TenantId>,
    hash: TokenHash,
}

impl ConfiguredKey {
    /// Returns the key with this text. Its id derives from the text, so that a new text under an old
    /// name ends the sessions of the old one.
    pub fn new(name: &str, role: Role, tenant: Option<TenantId>, text: &str) -> Self {
        let hash = TokenHash::of(text);
        Self {
            id: KeyId::of_configured(hash.as_bytes()),
            name: name.to_owned(),
            role,
            tenant,
            hash,
        }
    }

    pub(super) fn principal(&self) -> Principal {
        Principal {
            key: self.id.clone(),
            name: self.name.as_str().into(),
            role: self.role,
            tenant: self.tenant.clone(),
            session: None,
            is_portal: false,
            expires_at: None,
            token: None,
        }
    }
}

/// Finds the key with this hash. Compares all, so that the time does not depend on which one matches.
pub(super) fn find<'k>(keys: &'k [ConfiguredKey], hash: &TokenHash) -> Option<&'k ConfiguredKey> {
    keys.iter().fold(None, |found, key| {
        if is_same(&key.hash, hash) {
            Some(key)
        } else {
            found
        }
    })
}

/// Compares two hashes in constant time.
pub(super) fn is_same(one: &TokenHash, other: &TokenHash) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
