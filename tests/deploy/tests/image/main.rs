//! The guarantees of the container images, `compose.yaml` and the systemd unit. The sender's image is
//! also built and run without a container engine.

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
