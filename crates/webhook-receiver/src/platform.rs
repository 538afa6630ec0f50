//! The platform of an app: its capabilities, with a store built of them.

use crate::capabilities::{Clock, Signatures, Variables};
use crate::store::Store;

/// The complete platform.
pub trait Platform: Clock + Signatures + Store + Variables {}

impl<P: Clock + Signatures + Store + Variables> Platform for P {}
