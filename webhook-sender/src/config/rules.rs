//! The rules for declarations, and the sources of declarations.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use event_transforms::component::Folder;
use webhook_client::Policy;
use webhook_model::{Endpoint, Retry};

/// The range of timeouts.
pub(super) const TIMEOUTS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(300);

/// The default timeout of an attempt.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// The default lease.
pub(super) const LEASE: Duration = Duration::from_secs(60);

/// The source of a declaration.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    File,
    /// A request that adds an endpoint.
    Request,
    /// A request that changes this endpoint.
    Patch(&'a Endpoint),
}

impl<'a> Source<'a> {
    pub(super) fn before(self) -> Option<&'a Endpoint> {
        match self {
            Self::Patch(before) => Some(before),
            Self::File | Self::Request => None,
        }
    }
}

/// The rules that declarations are checked against.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The addresses that deliveries may go to.
    pub policy: Policy,
    /// The timeout of endpoints that declare none.
    pub timeout: Duration,
    /// The lease that attempts are made under. It must outlast them.
    pub lease: Duration,
    /// Retry policies by their names.
    pub retries: BTreeMap<String, Retry>,
    /// The folder that relative paths of secret files start at.
    pub folder: PathBuf,
    /// The folder that components are in.
    pub components: Folder,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            timeout: TIMEOUT,
            lease: LEASE,
            retries: BTreeMap::new(),
            folder: PathBuf::new(),
            components: Folder::default(),
        }
    }
}
