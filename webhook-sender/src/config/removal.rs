//! The endpoints that a file no longer declares, and the guard against removing them by mistake.

use std::collections::HashSet;

use webhook_model::{Endpoint, EndpointId, Origin, TenantId};

use super::Config;
use super::stored::Stored;

/// The error for a file that would remove more of the previously declared endpoints than it keeps, such
/// as an empty or truncated file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it would remove {removed} of the {} endpoints that were declared before; if that is intended, \
     confirm it with `confirm_removal = {removed}` at the top of the file",
    .removed + .kept
)]
pub struct Removal {
    pub removed: usize,
    pub kept: usize,
}

/// Returns the endpoints that an earlier file declared and this one does not. Fails if these are more
/// than the file keeps, unless `confirm_removal` has their exact number, so that a number that stays in
/// the file does not confirm a later removal.
pub(super) fn removed<'s>(
    config: &Config,
    stored: &'s Stored,
) -> Result<Vec<&'s Endpoint>, Removal> {
    let declared = declared(config);
    let of_files = stored
        .endpoints()
        .filter(|endpoint| endpoint.origin == Origin::Config);
    let (kept, removed): (Vec<_>, Vec<_>) =
        of_files.partition(|endpoint| declared.contains(&(&endpoint.tenant, &endpoint.id)));
    let removal = Removal {
        removed: removed.len(),
        kept: kept.len(),
    };
    let is_confirmed = config.confirm_removal == Some(removal.removed);
    if removal.removed > removal.kept && !is_confirmed {
        return Err(removal);
    }
    Ok(removed)
}

fn declared(config: &Config) -> HashSet<(&TenantId, &EndpointId)> {
    config
        .tenants
        .iter()
        .flat_map(|tenant| tenant.endpoints.iter().map(move |(id, _)| (&tenant.id, id)))
        .collect()
}
