//! The whole interface of a store.

use super::audit::Audit;
use super::keys::Keys;
use super::leases::Leases;
use super::queries::Queries;
use super::queue::Queue;
use super::tenants::Tenants;

/// A store with all parts of its interface, for the code that opens it and passes the parts on.
pub trait Store: Leases + Tenants + Queue + Queries + Keys + Audit {}

impl<T: Leases + Tenants + Queue + Queries + Keys + Audit> Store for T {}
