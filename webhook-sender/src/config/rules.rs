//! The rules that declarations have to keep, and where a declaration comes from.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use event_transforms::component::Folder;
use webhook_client::Policy;
use webhook_model::{Endpoint, Retry};

/// How long an attempt may be given.
pub(super) const TIMEOUTS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(300);

/// How long an attempt may take unless the file or the endpoint says otherwise.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// How long a lease lasts unless the file says otherwise.
pub(super) const LEASE: Duration = Duration::from_secs(60);

/// Where a declaration comes from.
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

/// What declarations are held to.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Where deliveries may go.
    pub policy: Policy,
    /// How long a request may take, unless the endpoint says otherwise.
    pub timeout: Duration,
    /// The lease that attempts are made under: it has to outlast them.
    pub lease: Duration,
    /// Retry policies by their names.
    pub retries: BTreeMap<String, Retry>,
    /// Where relative paths of files with secrets start.
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
