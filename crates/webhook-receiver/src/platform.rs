//! What is asked of the platform: stores, clock, variables, and the component that verifies.

/// What the platform said when something failed. It is for the log; no outsider gets to see it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {cause}")]
pub struct PlatformError {
    /// What was being done, as `reading the key`.
    pub doing: &'static str,
    /// The platform's own words.
    pub cause: String,
}

/// Names and values, in the order of the request.
pub type Headers = Vec<(String, Vec<u8>)>;

/// All of it.
pub trait Platform: Clock + Database + KeyValue + Signatures + Variables {}

impl<P: Clock + Database + KeyValue + Signatures + Variables> Platform for P {}

/// The host's clock.
pub trait Clock {
    /// Unix seconds.
    fn now(&self) -> u64;
}

/// Small values that are kept.
pub trait KeyValue {
    /// The value under `key`, or `None` where there is none.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, PlatformError>;

    /// Puts `value` under `key`, in place of any value that was there.
    fn set(&self, key: &str, value: &[u8]) -> Result<(), PlatformError>;

    /// The source of the values, as the log names it.
    fn origin(&self) -> &'static str {
        "key-value store"
    }
}

/// A value of a SQLite statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
}

/// A SQLite database. One statement is one transaction.
pub trait Database {
    /// Runs one statement with its positional parameters and gives its rows.
    fn execute(
        &self,
        statement: &str,
        parameters: &[Value],
    ) -> Result<Vec<Vec<Value>>, PlatformError>;
}

/// The app's variables.
pub trait Variables {
    /// The value of `name`.
    fn variable(&self, name: &'static str) -> Result<String, PlatformError>;
}

/// A way of signing, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// The body alone.
    Plain,
    /// Time and body.
    Wss,
    /// Standard Webhooks 1.0: id, time and body.
    Standard,
}

impl Scheme {
    /// Every scheme, the weakest first.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Wss, Self::Standard];

    /// The scheme's name, as variables and logs write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Wss => "wss",
            Self::Standard => "standard",
        }
    }
}

/// What a signature vouches for, besides the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The scheme that decided.
    pub scheme: Scheme,
    /// The event's id, which only `standard` signs.
    pub id: Option<String>,
    /// When the request was signed, in Unix seconds. `plain` does not sign it.
    pub at: Option<i64>,
}

/// Why a request was not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unverified {
    /// A key is none: the receiver's own mistake. The text says why, without the key.
    BadKey(String),
    /// The signature is refused.
    Refused {
        /// The code of the refusal: `missing-header`, `malformed-header`, `unknown-scheme`,
        /// `too-old`, `too-new` or `no-match`.
        code: &'static str,
        /// The reason in words for the sender.
        reason: String,
    },
}

/// A request to verify, and by which clock and bounds.
#[derive(Clone, Copy)]
pub struct Claim<'a> {
    /// Its headers.
    pub headers: &'a Headers,
    /// Its raw body.
    pub body: &'a [u8],
    /// Unix seconds.
    pub now: u64,
    /// Seconds that a signed time may lie from `now`, either way.
    pub tolerance: u64,
    /// The weakest scheme to look at.
    pub weakest: Scheme,
}

/// The component behind `signed-webhooks:signature@0.1.0`.
pub trait Signatures {
    /// The fingerprint of a key, for logs.
    ///
    /// # Errors
    ///
    /// Why the text is no key, without the text.
    fn fingerprint(&self, key: &str) -> Result<String, String>;

    /// Verifies `request` under any of `keys`.
    fn verify(&self, keys: &[&str], request: Claim<'_>) -> Result<Verified, Unverified>;
}
