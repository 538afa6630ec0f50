//! The guard as a Spin component: the entry point, and the call to the app behind.

mod entry;
mod pass;
mod relay;
mod upload;
mod wait;
