//! Generates secrets.

use rand::distr::{Alphanumeric, SampleString};
use webhook_model::Secret;
use webhook_signature::generate;

/// The number of characters of a handshake key.
const HANDSHAKE_KEY_LENGTH: usize = 36;

/// Generates a secret for an endpoint that declares none.
pub fn new_secret() -> Secret {
    let text = generate::shared(&rand::random::<[u8; 32]>());
    let secret = text.ok().and_then(|text| Secret::new(text.as_str()).ok());
    secret.expect("a secret of 32 bytes")
}

/// Generates a key for a handshake: 36 random letters and digits.
pub fn new_handshake_key() -> Secret {
    let text = Alphanumeric.sample_string(&mut rand::rng(), HANDSHAKE_KEY_LENGTH);
    #[expect(clippy::expect_used, reason = "letters and digits are a secret")]
    Secret::new(text).expect("a secret of letters and digits")
}
