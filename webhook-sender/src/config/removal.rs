//! The endpoints that a file no longer declares, and the guard against removing them by mistake.

use std::collections::HashSet;

use webhook_model::{Endpoint, EndpointId, Origin, TenantId};

use super::Config;
use super::stored::Stored;

/// A file that would remove more of the endpoints that an earlier one declared than it keeps, as an
/// empty file does, or one of which only the first half was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it would remove {removed} of the {} endpoints that were declared before; if that is meant, \
     confirm it with `confirm_removal = {removed}` at the top of the file",
    .removed + .kept
)]
pub struct Removal {
    pub removed: usize,
    pub kept: usize,
}

/// Returns the endpoints that an earlier file declared and this one does not, and refuses to remove
/// more than are kept unless the file names their exact number. A number that stays in the file
/// after that confirms nothing else.
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
