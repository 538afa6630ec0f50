//! Saying whether deliveries can be verified.

use crate::{Answer, Platform, Refusal};

/// 200 while the key-value store can be read, whether or not there is a key in it.
pub fn check(platform: &impl Platform) -> Result<Answer, Refusal> {
    platform.load_key()?;
    Ok(Answer::text("ok"))
}
