//! The sender as a process: startup, reload, maintenance, status and shutdown.

mod checks;
mod descriptors;
mod logging;
mod maintenance;
mod outboxes;
mod pages;
mod planner_sink;
mod reload;
mod run;
mod source_metrics;
mod sources;
mod startup;
mod status;
mod stop;
mod supervisor;

pub use run::run;
pub use startup::postgres_address;
pub use stop::StopSignals;
