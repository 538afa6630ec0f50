//! A store as a whole.

use super::leases::Leases;
use super::queries::Queries;
use super::queue::Queue;
use super::tenants::Tenants;

/// A store with all of its parts, for what opens it and hands the parts out.
pub trait Store: Leases + Tenants + Queue + Queries {}

impl<T: Leases + Tenants + Queue + Queries> Store for T {}
