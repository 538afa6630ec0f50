//! The variable `tenant`.

use problem_details::Problem;

use crate::config::variable;
use crate::platform::{Log, Variables};
use crate::problems::{self, quote};

/// The maximum length of a tenant's name.
const MAX_TENANT_BYTES: usize = 64;

/// Returns the variable `tenant`, which is required if the variable `needed_by` is set.
pub fn tenant(platform: &(impl Variables + Log), needed_by: &str) -> Result<String, Problem> {
    let tenant = variable(platform, "tenant")?;
    let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let other = |byte: u8| first(byte) || byte == b'_' || byte == b'-';
    let fits = tenant.len() <= MAX_TENANT_BYTES
        && tenant.bytes().next().is_some_and(first)
        && tenant.bytes().all(other);
    if fits {
        return Ok(tenant);
    }
    let reason = if tenant.is_empty() {
        format!("it is empty, but `{needed_by}` is set")
    } else {
        format!("{} is not `[a-z0-9][a-z0-9_-]{{0,63}}`", quote(&tenant))
    };
    Err(problems::bad_configuration("tenant", &reason))
}
