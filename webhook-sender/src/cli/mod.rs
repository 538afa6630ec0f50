//! The command line: one subcommand a file.
//!
//! `run` and `check` read a configuration file. `sign`, `verify` and `listen` need nothing but a
//! secret. All the others talk to a running sender through its API.

mod api_client;
mod dead_letters;
mod deliveries;
mod endpoints;
mod exit;
mod health;
mod listen;
mod output;
mod publish;
mod replay;
mod run;
mod secret;
mod sign;
mod tenants;
mod verify;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use api_client::ApiClient;
use output::Output;

pub use exit::report;

/// Delivers events as signed webhooks, at least once, and accounts for every delivery.
#[derive(Parser)]
#[command(name = "webhook-sender", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Take events in and deliver them, until SIGTERM or SIGINT; SIGHUP reads the file again
    Run(run::Run),
    /// Read a configuration file and say what is wrong with it
    Check(run::Check),
    /// Publish an event, or a file of them
    Publish(WithApi<publish::Publish>),
    /// List, add and remove tenants
    Tenants(WithApi<tenants::Tenants>),
    /// List, show, add, change and remove a tenant's endpoints
    Endpoints(WithApi<endpoints::Endpoints>),
    /// Show what became of a tenant's events
    Deliveries(WithApi<deliveries::Deliveries>),
    /// Show what was given up
    DeadLetters(WithApi<dead_letters::DeadLetters>),
    /// Deliver again: one delivery, or all that a filter selects
    Replay(WithApi<replay::Replay>),
    /// Ask a running sender how it is
    Health(WithApi<health::Health>),
    /// Print the headers that sign a body
    Sign(sign::Sign),
    /// Say whether a body is vouched for by headers, and why not
    Verify(verify::Verify),
    /// Receive webhooks on this machine, verify them and show them
    Listen(listen::Listen),
}

/// A command that talks to a running sender.
#[derive(Args)]
struct WithApi<C: Args> {
    /// Where the sender's API is
    #[arg(
        long,
        global = true,
        env = "SENDER_URL",
        default_value = "http://127.0.0.1:8080"
    )]
    api: String,
    /// The token that the API wants
    #[arg(long, global = true, env = "SENDER_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Print JSON, one value a line
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    command: C,
}

impl Cli {
    /// Does what the command line says.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being done, for people to read.
    pub async fn run(self) -> Result<()> {
        match self.command {
            // These two end well when a signal tells them to.
            command @ (Command::Run(_) | Command::Listen(_)) => command.run().await,
            command => exit::unless_stopped(command.run()).await,
        }
    }
}

impl Command {
    async fn run(self) -> Result<()> {
        match self {
            Self::Run(command) => command.run().await,
            Self::Listen(command) => command.run().await,
            Self::Check(command) => exit::blocking(move || command.run()).await,
            Self::Sign(command) => exit::blocking(move || command.run()).await,
            Self::Verify(command) => exit::blocking(move || command.run()).await,
            Self::Publish(with) => with.split()?.run(publish::Publish::run).await,
            Self::Tenants(with) => with.split()?.run(tenants::Tenants::run).await,
            Self::Endpoints(with) => with.split()?.run(endpoints::Endpoints::run).await,
            Self::Deliveries(with) => with.split()?.run(deliveries::Deliveries::run).await,
            Self::DeadLetters(with) => with.split()?.run(dead_letters::DeadLetters::run).await,
            Self::Replay(with) => with.split()?.run(replay::Replay::run).await,
            Self::Health(with) => with.split()?.run(health::Health::run).await,
        }
    }
}

/// A command, what it talks to and where it prints.
struct Ready<C> {
    command: C,
    api: ApiClient,
    output: Output,
}

impl<C: Args> WithApi<C> {
    fn split(self) -> Result<Ready<C>> {
        Ok(Ready {
            command: self.command,
            api: ApiClient::new(&self.api, self.token.as_deref())?,
            output: Output::new(self.json),
        })
    }
}

impl<C> Ready<C> {
    async fn run<F>(self, run: impl FnOnce(C, ApiClient, Output) -> F) -> Result<()>
    where
        F: Future<Output = Result<()>>,
    {
        run(self.command, self.api, self.output).await
    }
}
