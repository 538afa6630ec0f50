//! The health check.

use crate::{Platform, Refusal, Registration, Response, Settings, keys, variables};

/// Returns 200 if the variables are valid and both stores can be read. A key is not required.
///
/// # Errors
///
/// Returns the refusal that requests would get.
pub fn check_health(platform: &impl Platform) -> Result<Response, Refusal> {
    Settings::read(platform)?;
    variables::secret(platform, "handshake_token")?;
    keys::current(platform, &Registration::default())?;
    platform.execute("SELECT 1", &[])?;
    Ok(Response::text("ok"))
}
