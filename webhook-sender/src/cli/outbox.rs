//! `webhook-sender outbox`.

use anyhow::Result;
use clap::{Args, Subcommand};
use event_sources::postgres_outbox::Table;
use serde_json::json;

use super::output::Output;

#[derive(Args)]
pub struct Outbox {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the statements that create the table of an outbox in PostgreSQL, its index and its trigger
    Ddl(Ddl),
}

#[derive(Args)]
struct Ddl {
    /// The table, named as it is: upper case and spaces are part of its name
    #[arg(long, default_value = Table::NAME)]
    table: String,
    /// The schema of the table, which must exist
    #[arg(long, default_value = Table::SCHEMA)]
    schema: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Outbox {
    /// Runs the subcommand.
    ///
    /// # Errors
    ///
    /// Fails if a name is invalid.
    pub fn run(self) -> Result<()> {
        let Command::Ddl(ddl) = self.command;
        let table = Table::new(&ddl.schema, &ddl.table)?;
        let statements = table.ddl();
        let printed = json!({ "table": table.to_string(), "ddl": statements });
        Output::new(ddl.json).one(&printed, |_| statements.trim_end().to_owned())
    }
}
