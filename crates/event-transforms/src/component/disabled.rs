//! Built without the feature `components`: no file can be used.

use std::convert::Infallible;
use std::path::Path;

use webhook_model::{Event, TenantId};

use super::file_version::FileVersion;
use super::{ComponentError, Folder, RunError};

/// There is none.
pub struct Component(Infallible);

impl Component {
    /// # Errors
    ///
    /// Always.
    pub fn load(_: &Folder, path: &Path) -> Result<Self, ComponentError> {
        let reason = "this build of the sender runs no components";
        Err(ComponentError::new(path, FileVersion::of(path), reason))
    }

    pub fn is_current(&self) -> bool {
        match self.0 {}
    }

    /// # Errors
    ///
    /// Never: there is no component to run.
    pub fn run(&self, _: &TenantId, _: &Event, _: usize) -> Result<Option<Vec<u8>>, RunError> {
        match self.0 {}
    }
}
