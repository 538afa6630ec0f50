//! The health check.

use crate::{Platform, Refusal, Registration, Response, Settings, keys, variables};

/// Returns 200 if the variables are valid and the store can be used. A key is not required.
///
/// # Errors
///
/// Returns the refusal that requests would get.
pub fn check_health(platform: &impl Platform) -> Result<Response, Refusal> {
    Settings::read(platform)?;
    variables::secret(platform, "handshake_token")?;
    keys::current(platform, &Registration::default())?;
    platform.check()?;
    Ok(Response::text("ok"))
}
