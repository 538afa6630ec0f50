//! The check of a permission.

use webhook_model::TenantId;

use super::error::ApiError;
use crate::keys::{Denial, Permission, Principal};

/// Checks a permission, and that the tenant of a path is one that the principal has access to.
///
/// # Errors
///
/// Returns 404 for another tenant, and 403 for a missing permission.
pub fn permit(
    principal: &Principal,
    permission: Permission,
    tenant: Option<&str>,
) -> Result<(), ApiError> {
    let own = principal.tenant.as_ref().map(TenantId::as_str);
    if let (Some(own), Some(tenant)) = (own, tenant)
        && own != tenant
    {
        return Err(denied(Denial::OtherTenant, principal, tenant));
    }
    let checked = principal.check(permission, None);
    checked.map_err(|denial| denied(denial, principal, tenant.unwrap_or_default()))
}

fn denied(denial: Denial, principal: &Principal, tenant: &str) -> ApiError {
    match denial {
        // As for a tenant that does not exist.
        Denial::OtherTenant => ApiError::not_found("tenant", tenant),
        Denial::Role => ApiError::forbidden(format!("role `{}`", principal.role.name())),
    }
}
