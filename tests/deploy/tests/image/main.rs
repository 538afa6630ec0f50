//! The container images, `compose.yaml` and the systemd unit: held to what they promise, and the
//! sender's image made without an engine and run from its empty folder.

#[path = "../process/mod.rs"]
mod process;

#[cfg(target_os = "linux")]
mod built;
mod compose;
mod dockerfile;
#[cfg(target_os = "linux")]
mod jail;
mod parsed;
mod unit;
