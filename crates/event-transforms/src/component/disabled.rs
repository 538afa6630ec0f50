//! Replaces the runtime in builds without the feature `components`: no component can be loaded.

use std::convert::Infallible;
use std::path::Path;

use webhook_model::{Event, TenantId};

use super::file_version::FileVersion;
use super::{ComponentError, Folder, RunError};

/// A component, of which no value exists.
pub struct Component(Infallible);

impl Component {
    /// # Errors
    ///
    /// Always.
    pub fn load(_: &Folder, path: &Path) -> Result<Self, ComponentError> {
        let reason = "this build of the sender does not support components";
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
