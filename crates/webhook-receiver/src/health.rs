//! Saying whether requests can be verified.

use crate::{Answer, Platform, Refusal, Registration, Settings, keys, variables};

/// 200 while the variables have their form and both stores can be read, whether or not there is a
/// key in them.
///
/// # Errors
///
/// What fails, as the refusal that requests meet.
pub fn check_health(platform: &impl Platform) -> Result<Answer, Refusal> {
    Settings::read(platform)?;
    variables::secret(platform, "handshake_token")?;
    keys::current(platform, &Registration::default())?;
    platform.execute("SELECT 1", &[])?;
    Ok(Answer::text("ok"))
}
