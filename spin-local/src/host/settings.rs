//! The settings of a host.

use std::path::PathBuf;

use crate::engine::Limits;

/// The settings of a host, in addition to the manifest.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of the stores. Created if it is missing.
    pub state_dir: PathBuf,
    /// The folder of the output of guests. Created if it is missing. `None` writes no log files.
    pub log_dir: Option<PathBuf>,
    /// Set to keep the output of guests off the terminal. The log files contain it in any case.
    pub quiet: bool,
    /// The limits of requests and connections.
    pub limits: Limits,
}
