//! The guard as a Spin component: the entry point, and the call to the app.

mod entry;
mod forward;
mod relay;
mod upload;
mod wait;
