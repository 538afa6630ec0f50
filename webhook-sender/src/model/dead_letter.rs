//! Events that could not be planned.

use serde::{Deserialize, Serialize};

use super::{Millis, TenantId};

/// Where a rejected event came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Stream,
    Api,
}

/// An event that nothing could be made of. It is kept as it came, so that nothing is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The stream entry's id, or one made for it. Rejecting an id again changes nothing.
    pub id: String,
    /// The tenant, where the event names one that exists.
    pub tenant: Option<TenantId>,
    pub source: Source,
    pub at: Millis,
    /// A code to branch on: `no-tenant`, `unknown-tenant`, `bad-data`, `too-large`, ...
    pub code: String,
    /// The same for people.
    pub reason: String,
    /// Field names and values as they came, bytes that are not UTF-8 replaced, long values cut.
    pub fields: Vec<(String, String)>,
}
