//! The entry point of the `webhook-sender` binary: parses the command line and runs the command.

#![cfg_attr(not(test), deny(clippy::disallowed_macros, clippy::disallowed_methods))]
#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::runtime::Runtime;
use webhook_sender::cli::{Cli, report};

/// Delivers a tenth more than with the allocator of glibc, and a seventh more than with that of musl.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The time that threads which read a file or compile a component get to end. Nothing depends on
/// them any more, and one that reads a pipe may never end.
const LEFTOVERS: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return report(Err(error.into())),
    };
    let code = report(runtime.block_on(cli.run()));
    runtime.shutdown_timeout(LEFTOVERS);
    code
}
