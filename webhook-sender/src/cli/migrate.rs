//! `webhook-sender migrate`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;
use webhook_store::postgres::{self, SchemaVersion};

use super::output::Output;
use crate::config::Config;
use crate::service;

#[derive(Args)]
pub struct Migrate {
    /// The configuration file
    #[arg(long, default_value = "sender.toml")]
    config: PathBuf,
    /// Report the version without a change; fail if a migration is missing
    #[arg(long)]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Migrate {
    /// Migrates the tables, or checks them.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be used, and with `--check` if a migration is missing.
    pub async fn run(self) -> Result<()> {
        let output = Output::new(self.json);
        let config = Config::load(&self.config)?;
        let Some(address) = service::postgres_address(&config)? else {
            let other = json!({ "migrated": false });
            return output.one(&other, |_| {
                "nothing to migrate: the store is not in PostgreSQL".into()
            });
        };
        let shown = address.to_string();
        let version = if self.check {
            postgres::check(address).await
        } else {
            postgres::migrate(address).await
        };
        let SchemaVersion { found, needed } = version.context("store.url")?;
        let migrated = !self.check && found < needed;
        let report = json!({ "found": found, "needed": needed, "migrated": migrated });
        output.one(&report, |_| match (migrated, found < needed) {
            (true, _) => format!("{shown}: migrated from version {found} to {needed}"),
            (false, true) => format!("{shown}: version {found}, this release needs {needed}"),
            (false, false) => format!("{shown}: version {found}, up to date"),
        })?;
        if self.check && found < needed {
            bail!("a migration is missing; run `webhook-sender migrate`");
        }
        Ok(())
    }
}
