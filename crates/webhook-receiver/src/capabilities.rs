//! The capabilities of the platform: what stores are built of, clock, variables, and the component that
//! verifies.

/// A failure of the platform. It is meant for the log; clients do not see it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {cause}")]
pub struct PlatformError {
    /// The operation that failed, such as `reading the key`.
    pub doing: &'static str,
    /// The platform's own message.
    pub cause: String,
}

/// Header names and values, in the order of the request.
pub type Headers = Vec<(String, Vec<u8>)>;

/// The host's clock.
pub trait Clock {
    /// Returns the current time in Unix seconds.
    fn now(&self) -> u64;
}

/// A key-value store.
pub trait KeyValue {
    /// Returns the value of `key`, or `None` if there is none.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, PlatformError>;

    /// Sets the value of `key`, replacing any previous value.
    fn set(&self, key: &str, value: &[u8]) -> Result<(), PlatformError>;
}

/// A value of a SQLite statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
}

/// A SQLite database. Each statement is one transaction.
pub trait Database {
    /// Runs one statement with positional parameters and returns its rows.
    fn execute(
        &self,
        statement: &str,
        parameters: &[Value],
    ) -> Result<Vec<Vec<Value>>, PlatformError>;
}

/// PostgreSQL servers. Each statement is one transaction.
pub trait Postgres {
    /// Runs one statement with text `parameters` for `$1`, `$2`, … on the database at `address`, and
    /// returns its rows, of which there must be at least one, and whose columns must be text.
    fn query(
        &self,
        address: &str,
        statement: &str,
        parameters: &[&str],
    ) -> Result<Vec<Vec<String>>, PlatformError>;
}

/// Redis servers.
pub trait Redis {
    /// Runs one command on the server at `address`, and returns the parts of its reply.
    fn command(
        &self,
        address: &str,
        command: &str,
        arguments: &[&[u8]],
    ) -> Result<Vec<RedisReply>, PlatformError>;
}

/// A part of a Redis reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisReply {
    /// A nil reply.
    Nil,
    /// A number.
    Number(i64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A status, such as `OK`.
    Status(String),
}

/// The app's variables.
pub trait Variables {
    /// Returns the value of `name`.
    fn variable(&self, name: &'static str) -> Result<String, PlatformError>;
}

/// A signature scheme, ordered by strength, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// The body alone is signed.
    Plain,
    /// Timestamp and body are signed.
    Wss,
    /// Standard Webhooks 1.0: id, timestamp and body are signed.
    Standard,
}

impl Scheme {
    /// Every scheme, the weakest first.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Wss, Self::Standard];

    /// Returns the scheme's name, as variables and logs write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Wss => "wss",
            Self::Standard => "standard",
        }
    }
}

/// The signed properties of a request, besides its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The scheme that was verified.
    pub scheme: Scheme,
    /// The event's id, which only `standard` signs.
    pub id: Option<String>,
    /// The time of signing, in Unix seconds. `plain` does not sign it.
    pub at: Option<i64>,
}

/// The reason why a request was not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// A key is invalid, which is the receiver's own mistake. The text says why, without the key.
    BadKey(String),
    /// The signature was refused.
    Refused {
        /// The code of the refusal: `missing-header`, `malformed-header`, `unknown-scheme`,
        /// `too-old`, `too-new` or `no-match`.
        code: &'static str,
        /// The reason, in words for the sender.
        reason: String,
    },
}

/// A request to verify, with the current time and the policy.
#[derive(Clone, Copy)]
pub struct VerifyInput<'a> {
    /// The headers.
    pub headers: &'a Headers,
    /// The raw body.
    pub body: &'a [u8],
    /// The current time in Unix seconds.
    pub now: u64,
    /// The tolerance for signed times in seconds, in both directions.
    pub tolerance: u64,
    /// The weakest accepted scheme.
    pub weakest: Scheme,
}

/// The component that provides `signed-webhooks:signature@0.1.0`.
pub trait Signatures {
    /// Returns the fingerprint of a key, for logs.
    ///
    /// # Errors
    ///
    /// Returns the reason why the text is not a key, without the text.
    fn fingerprint(&self, key: &str) -> Result<String, String>;

    /// Verifies the request under any of `keys`.
    fn verify(&self, keys: &[&str], input: VerifyInput<'_>) -> Result<Verified, VerifyError>;
}
