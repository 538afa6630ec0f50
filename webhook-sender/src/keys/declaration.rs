//! Checks of the declaration of a key.

use webhook_model::Role;

/// The longest name of a key, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Checks the name of a key.
///
/// # Errors
///
/// Returns a message that names the text.
pub fn check_name(name: &str) -> Result<(), String> {
    let fits = (1..=MAX_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        return Ok(());
    }
    let shown: String = name.chars().take(80).collect();
    Err(format!(
        "`{shown}` is not 1 to {MAX_NAME_BYTES} visible ASCII characters without a space"
    ))
}

/// Checks that the role and the tenant of a key fit: administrators have none, all others one.
///
/// # Errors
///
/// Returns a message about the tenant.
pub fn check_tenant(role: Role, has_tenant: bool) -> Result<(), String> {
    let role_name = role.name();
    match (role, has_tenant) {
        (Role::Admin, true) => {
            Err("a key with role `admin` is for all tenants; leave the tenant out".into())
        }
        (Role::Admin, false) | (_, true) => Ok(()),
        (_, false) => Err(format!("a key with role `{role_name}` needs a tenant")),
    }
}

/// Parses a role.
///
/// # Errors
///
/// Returns a message with the known roles.
pub fn parse_role(name: &str) -> Result<Role, String> {
    Role::named(name).ok_or_else(|| {
        let known = Role::ALL.map(Role::name).join(", ");
        let shown: String = name.chars().take(80).collect();
        format!("role `{shown}` is none of {known}")
    })
}
