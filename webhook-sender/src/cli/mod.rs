//! The command line: one subcommand per file.
//!
//! `run`, `check` and `migrate` read a configuration file. `sign`, `verify` and `listen` need nothing but a
//! secret, and `outbox` nothing. All other commands call the API of a running sender.

mod api_client;
mod audit;
mod dead_letters;
mod deliveries;
mod endpoints;
mod events;
mod exit;
mod health;
mod json_body;
mod keys;
mod listen;
mod migrate;
mod outbox;
mod output;
mod portal;
mod preview;
mod publish;
mod replay;
mod run;
mod secret;
mod sign;
mod tail;
mod tenants;
mod verify;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use api_client::ApiClient;
use output::Output;

pub use exit::report;

/// Delivers events as signed webhooks, at least once, and records every delivery.
#[derive(Parser)]
#[command(name = "webhook-sender", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Accept and deliver events until SIGTERM or SIGINT; SIGHUP reloads the file
    Run(run::Run),
    /// Check a configuration file and report all faults
    Check(run::Check),
    /// Migrate the tables of the store in PostgreSQL to this release
    Migrate(migrate::Migrate),
    /// Print what an outbox in PostgreSQL needs
    Outbox(outbox::Outbox),
    /// Publish an event or a file of events
    Publish(WithApi<publish::Publish>),
    /// List, add and remove tenants
    Tenants(WithApi<tenants::Tenants>),
    /// List, show, add, change and remove a tenant's endpoints
    Endpoints(WithApi<endpoints::Endpoints>),
    /// Show the events of a tenant, and what became of them
    Events(WithApi<events::Events>),
    /// Show the deliveries of a tenant
    Deliveries(WithApi<deliveries::Deliveries>),
    /// Show dead letters, and retry rejected events
    DeadLetters(WithApi<dead_letters::DeadLetters>),
    /// Replay a delivery, or all deliveries that a filter selects
    Replay(WithApi<replay::Replay>),
    /// Print what happens to the events and deliveries of a tenant from now on
    Tail(WithApi<tail::Tail>),
    /// Show the body of an event for each endpoint, without sending it
    Preview(WithApi<preview::Preview>),
    /// List, create and revoke access keys
    Keys(WithApi<keys::Keys>),
    /// Open, list, renew and revoke links to the pages of a tenant
    Portal(WithApi<portal::Portal>),
    /// Show who changed what, and with which key
    Audit(WithApi<audit::Audit>),
    /// Check the health of a running sender
    Health(WithApi<health::Health>),
    /// Print the headers that sign a body
    Sign(sign::Sign),
    /// Verify the signature headers of a body
    Verify(verify::Verify),
    /// Receive, verify and print webhooks on this machine
    Listen(listen::Listen),
}

/// A command that calls the API of a running sender.
#[derive(Args)]
struct WithApi<C: Args> {
    /// The URL of the sender's API
    #[arg(
        long,
        global = true,
        env = "SENDER_URL",
        default_value = "http://127.0.0.1:8080"
    )]
    api: String,
    /// The token for the API
    #[arg(long, global = true, env = "SENDER_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Print JSON, one value per line
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    command: C,
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    ///
    /// Returns the failure of the command, with context for the user.
    pub async fn run(self) -> Result<()> {
        match self.command {
            // These two treat a signal as a normal end.
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
            Self::Migrate(command) => command.run().await,
            Self::Outbox(command) => exit::blocking(move || command.run()).await,
            Self::Check(command) => exit::blocking(move || command.run()).await,
            Self::Sign(command) => exit::blocking(move || command.run()).await,
            Self::Verify(command) => exit::blocking(move || command.run()).await,
            Self::Publish(with) => with.split()?.run(publish::Publish::run).await,
            Self::Tenants(with) => with.split()?.run(tenants::Tenants::run).await,
            Self::Endpoints(with) => with.split()?.run(endpoints::Endpoints::run).await,
            Self::Events(with) => with.split()?.run(events::Events::run).await,
            Self::Deliveries(with) => with.split()?.run(deliveries::Deliveries::run).await,
            Self::DeadLetters(with) => with.split()?.run(dead_letters::DeadLetters::run).await,
            Self::Replay(with) => with.split()?.run(replay::Replay::run).await,
            Self::Tail(with) => with.split()?.run(tail::Tail::run).await,
            Self::Preview(with) => with.split()?.run(preview::Preview::run).await,
            Self::Keys(with) => with.split()?.run(keys::Keys::run).await,
            Self::Portal(with) => with.split()?.run(portal::Portal::run).await,
            Self::Audit(with) => with.split()?.run(audit::Audit::run).await,
            Self::Health(with) => with.split()?.run(health::Health::run).await,
        }
    }
}

/// A command with its API client and its output.
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
