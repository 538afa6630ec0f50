//! The variable `tenant`.

use problem_details::Problem;

use crate::config::variable;
use crate::outside::{Log, Variables};
use crate::problems::{self, quote};

/// The longest name of a tenant.
const LONGEST_TENANT: usize = 64;

/// Returns the variable `tenant`, which has to be there where `needed_by` is.
pub fn tenant(outside: &(impl Variables + Log), needed_by: &str) -> Result<String, Problem> {
    let tenant = variable(outside, "tenant")?;
    let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let other = |byte: u8| first(byte) || byte == b'_' || byte == b'-';
    let fits = tenant.len() <= LONGEST_TENANT
        && tenant.bytes().next().is_some_and(first)
        && tenant.bytes().all(other);
    if fits {
        return Ok(tenant);
    }
    let reason = match tenant.is_empty() {
        true => format!("it is empty, and `{needed_by}` is set"),
        false => format!("{} is not `[a-z0-9][a-z0-9_-]{{0,63}}`", quote(&tenant)),
    };
    Err(problems::bad_configuration("tenant", &reason))
}
