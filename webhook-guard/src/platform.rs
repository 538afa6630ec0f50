//! The guard's platform: the app's platform, with keys from variables if they are set.

use serde_json::json;
use webhook_receiver::limits::{KEY_MAX_BYTES, KEY_MIN_BYTES};
use webhook_receiver::{
    ClaimResult, Clock, Platform, PlatformError, Refusal, Retention, Signatures, Store, Variables,
    Verified, VerifyError, VerifyInput, variables,
};

/// The names that [`webhook_receiver`] reads from the store.
const CURRENT: &str = "signing-key-data";
const RETIRED: &str = "signing-key-previous";

/// A platform with the keys of the variables `signing_key` and `signing_key_previous` if the first
/// is set, and otherwise with those in the platform's store.
pub struct GuardPlatform<'a, P> {
    platform: &'a P,
    fixed: Option<FixedKey>,
}

/// The keys of the variables. It has no `Debug`, because it contains keys.
struct FixedKey {
    key: String,
    previous: Option<String>,
}

impl<'a, P: Platform> GuardPlatform<'a, P> {
    /// Reads the variables.
    ///
    /// # Errors
    ///
    /// Returns an error if a variable is missing, or has an invalid length for a key.
    pub fn new(platform: &'a P) -> Result<Self, Refusal> {
        let key = key(platform, "signing_key")?;
        let previous = key
            .is_some()
            .then(|| self::key(platform, "signing_key_previous"));
        let previous = previous.transpose()?.flatten();
        let fixed = key.map(|key| FixedKey { key, previous });
        Ok(Self { platform, fixed })
    }

    /// Returns true if the keys are in the variables, so that no handshake can change them.
    pub fn is_fixed(&self) -> bool {
        self.fixed.is_some()
    }
}

/// Returns the key in a variable, or `None` if it is empty. Errors do not contain the value.
fn key(platform: &impl Platform, name: &'static str) -> Result<Option<String>, Refusal> {
    let value = variables::secret(platform, name)?;
    match value.len() {
        0 => Ok(None),
        KEY_MIN_BYTES..=KEY_MAX_BYTES => Ok(Some(value)),
        bytes => Err(Refusal::StoredKey(format!(
            "variable `{name}` has {bytes} bytes; a key has {KEY_MIN_BYTES} to {KEY_MAX_BYTES}"
        ))),
    }
}

impl FixedKey {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        match (key, &self.previous) {
            (CURRENT, _) => Some(self.key.clone().into_bytes()),
            (RETIRED, Some(previous)) => {
                // Valid until the variable is emptied.
                let retired = json!([{ "key": previous, "until": u64::MAX }]);
                Some(retired.to_string().into_bytes())
            }
            _ => None,
        }
    }
}

impl<P: Store> Store for GuardPlatform<'_, P> {
    fn origin(&self) -> &'static str {
        match &self.fixed {
            Some(_) => "the variable `signing_key`",
            None => self.platform.origin(),
        }
    }

    fn key(&self, name: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        match &self.fixed {
            Some(fixed) => Ok(fixed.get(name)),
            None => self.platform.key(name),
        }
    }

    fn set_key(&self, name: &str, value: &[u8]) -> Result<(), PlatformError> {
        self.platform.set_key(name, value)
    }

    fn claim(&self, id: &str, retention: Retention) -> Result<ClaimResult, PlatformError> {
        self.platform.claim(id, retention)
    }

    fn complete(&self, id: &str, retention: Retention) -> Result<(), PlatformError> {
        self.platform.complete(id, retention)
    }

    fn release(&self, id: &str, until: u64) -> Result<(), PlatformError> {
        self.platform.release(id, until)
    }

    fn check(&self) -> Result<(), PlatformError> {
        self.platform.check()
    }
}

impl<P: Clock> Clock for GuardPlatform<'_, P> {
    fn now(&self) -> u64 {
        self.platform.now()
    }
}

impl<P: Variables> Variables for GuardPlatform<'_, P> {
    fn variable(&self, name: &'static str) -> Result<String, PlatformError> {
        self.platform.variable(name)
    }
}

impl<P: Signatures> Signatures for GuardPlatform<'_, P> {
    fn fingerprint(&self, key: &str) -> Result<String, String> {
        self.platform.fingerprint(key)
    }

    fn verify(&self, keys: &[&str], input: VerifyInput<'_>) -> Result<Verified, VerifyError> {
        self.platform.verify(keys, input)
    }
}
