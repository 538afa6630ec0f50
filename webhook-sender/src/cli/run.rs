//! `webhook-sender run` and `check`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::config::Config;
use crate::service;

#[derive(Args)]
pub struct Run {
    /// The configuration file
    #[arg(long, default_value = "sender.toml")]
    config: PathBuf,
}

#[derive(Args)]
pub struct Check {
    /// The configuration file
    #[arg(long, default_value = "sender.toml")]
    config: PathBuf,
}

impl Run {
    /// Runs until it is told to stop.
    pub async fn run(self) -> Result<()> {
        service::run(&self.config).await
    }
}

impl Check {
    /// # Errors
    ///
    /// Everything that is wrong with the file.
    pub fn run(self) -> Result<()> {
        let config = Config::load(&self.config)?;
        println!("{}: {}", self.config.display(), config.summary());
        Ok(())
    }
}
