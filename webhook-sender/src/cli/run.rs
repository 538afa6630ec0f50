//! `webhook-sender run` and `check`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::output::Output;
use crate::config::{Config, InvalidFile};
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
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Run {
    /// Runs until SIGTERM or SIGINT.
    pub async fn run(self) -> Result<()> {
        service::run(&self.config).await
    }
}

impl Check {
    /// Checks the file and prints a summary.
    ///
    /// # Errors
    ///
    /// Returns all faults of the file.
    pub fn run(self) -> Result<()> {
        let (output, path) = (Output::new(self.json), self.config.display());
        match Config::load(&self.config) {
            Ok(config) => {
                let summary = config.summary();
                let valid = json!({ "file": path.to_string(), "valid": true, "summary": summary });
                output.one(&valid, |_| format!("{path}: {summary}"))
            }
            Err(error) => {
                if output.is_json() {
                    output.one(&refused(&error), Value::to_string)?;
                }
                Err(error.into())
            }
        }
    }
}

fn refused(error: &InvalidFile) -> Value {
    let faults: Vec<_> = error
        .diagnostics
        .iter()
        .map(|fault| json!({ "key": fault.field, "message": fault.message, "line": fault.line }))
        .collect();
    json!({ "file": error.path.display().to_string(), "valid": false, "faults": faults })
}
