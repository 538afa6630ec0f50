//! Secrets and bodies on the command line of the tools.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use signature::Credential;

/// The secrets that a tool works with.
#[derive(Args)]
pub struct Secrets {
    /// A secret as it was handed out; may be repeated, the newest first. Other users of the machine
    /// can see command lines: prefer the variable, which takes several separated by commas
    #[arg(long = "secret", env = "WEBHOOK_SECRET", hide_env_values = true)]
    #[arg(value_delimiter = ',', required = true)]
    secrets: Vec<String>,
}

impl Secrets {
    /// # Errors
    ///
    /// For a text that is no secret. It is not shown.
    pub fn credentials(&self) -> Result<Vec<Credential>> {
        let parse = |(at, text): (usize, &String)| {
            Credential::parse(text.as_str()).with_context(|| format!("secret {}", at + 1))
        };
        self.secrets.iter().enumerate().map(parse).collect()
    }
}

/// The body that a tool works with.
#[derive(Args)]
pub struct Body {
    /// The file that holds the body; standard input where it is left out
    file: Option<PathBuf>,
}

impl Body {
    /// # Errors
    ///
    /// For a file that cannot be read.
    pub fn read(&self) -> Result<Vec<u8>> {
        match self.file.as_deref().filter(|file| *file != Path::new("-")) {
            Some(file) => std::fs::read(file).with_context(|| format!("file `{}`", file.display())),
            None => {
                let mut body = Vec::new();
                std::io::stdin()
                    .read_to_end(&mut body)
                    .context("standard input")?;
                Ok(body)
            }
        }
    }
}

/// A scheme by its name.
pub fn scheme(name: &str) -> Result<signature::Scheme, String> {
    let known = signature::Scheme::ALL
        .into_iter()
        .find(|scheme| scheme.name() == name);
    known.ok_or_else(|| "none of plain, wss, standard".into())
}
