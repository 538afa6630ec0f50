//! The sender as a process: puts the parts together, and takes them apart when it is told to stop.

mod build;
mod descriptors;
mod logging;
mod reload;
mod run;
mod status;
mod stop;
mod stream;
mod upkeep;

pub use run::run;
pub use stop::StopSignals;
