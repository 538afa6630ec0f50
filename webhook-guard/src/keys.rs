//! Where the keys come from: the handshakes before, or the variables.

use serde_json::json;
use webhook_receiver::limits::{KEY_MAX_BYTES, KEY_MIN_BYTES};
use webhook_receiver::{
    Claim, Clock, Database, KeyValue, Platform, PlatformError, Refusal, Signatures, Unverified,
    Value, Variables, Verified, variables,
};

/// What [`webhook_receiver`] asks the key-value store for.
const CURRENT: &str = "signing-key-data";
const RETIRED: &str = "signing-key-previous";

/// A platform whose keys are those of the variables `signing_key` and `signing_key_previous`,
/// where the first is set, and otherwise those in the platform's own store.
pub struct Keyed<'a, P> {
    platform: &'a P,
    fixed: Option<Fixed>,
}

/// It has no `Debug`, for it holds keys.
struct Fixed {
    key: String,
    previous: Option<String>,
}

impl<'a, P: Platform> Keyed<'a, P> {
    /// Reads the variables.
    ///
    /// # Errors
    ///
    /// One is missing, or is of a length that no key has.
    pub fn new(platform: &'a P) -> Result<Self, Refusal> {
        let key = key(platform, "signing_key")?;
        let previous = key
            .is_some()
            .then(|| self::key(platform, "signing_key_previous"));
        let previous = previous.transpose()?.flatten();
        let fixed = key.map(|key| Fixed { key, previous });
        Ok(Self { platform, fixed })
    }

    /// Whether the keys are in the variables, so that no handshake can change them.
    pub fn is_fixed(&self) -> bool {
        self.fixed.is_some()
    }
}

/// None where the variable is empty. What is wrong with it is told without it.
fn key(platform: &impl Platform, name: &'static str) -> Result<Option<String>, Refusal> {
    let value = variables::secret(platform, name)?;
    match value.len() {
        0 => Ok(None),
        KEY_MIN_BYTES..=KEY_MAX_BYTES => Ok(Some(value)),
        bytes => Err(Refusal::StoredKey(format!(
            "variable `{name}` has {bytes} bytes, and a key has {KEY_MIN_BYTES} to {KEY_MAX_BYTES}"
        ))),
    }
}

impl Fixed {
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

impl<P: KeyValue> KeyValue for Keyed<'_, P> {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        match &self.fixed {
            Some(fixed) => Ok(fixed.get(key)),
            None => self.platform.get(key),
        }
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), PlatformError> {
        self.platform.set(key, value)
    }

    fn origin(&self) -> &'static str {
        match &self.fixed {
            Some(_) => "the variable `signing_key`",
            None => self.platform.origin(),
        }
    }
}

impl<P: Clock> Clock for Keyed<'_, P> {
    fn now(&self) -> u64 {
        self.platform.now()
    }
}

impl<P: Database> Database for Keyed<'_, P> {
    fn execute(
        &self,
        statement: &str,
        parameters: &[Value],
    ) -> Result<Vec<Vec<Value>>, PlatformError> {
        self.platform.execute(statement, parameters)
    }
}

impl<P: Variables> Variables for Keyed<'_, P> {
    fn variable(&self, name: &'static str) -> Result<String, PlatformError> {
        self.platform.variable(name)
    }
}

impl<P: Signatures> Signatures for Keyed<'_, P> {
    fn fingerprint(&self, key: &str) -> Result<String, String> {
        self.platform.fingerprint(key)
    }

    fn verify(&self, keys: &[&str], request: Claim<'_>) -> Result<Verified, Unverified> {
        self.platform.verify(keys, request)
    }
}
