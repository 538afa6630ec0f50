//! `webhook-sender sign`.

use anyhow::Result;
use clap::Args;
use webhook_model::{Clock, EventId};
use webhook_signature::{Message, Scheme, sign};

use super::output::print;
use super::secret::{Body, Secrets, scheme};

#[derive(Args)]
pub struct Sign {
    #[command(flatten)]
    secrets: Secrets,
    /// plain, wss or standard; may be repeated
    #[arg(long = "scheme", value_parser = scheme, default_values = ["wss", "standard"])]
    schemes: Vec<Scheme>,
    /// The event's id; a new one where it is left out
    #[arg(long)]
    id: Option<String>,
    /// Unix seconds; now where it is left out
    #[arg(long)]
    timestamp: Option<u64>,
    #[command(flatten)]
    body: Body,
}

impl Sign {
    /// Prints one header a line, in the form that `curl -H @-` reads.
    pub fn run(self) -> Result<()> {
        let keys = self.secrets.credentials()?;
        let body = self.body.read()?;
        let id = self.id.unwrap_or_else(|| EventId::random().to_string());
        let now = || Clock::system().now().seconds();
        let timestamp = self.timestamp.unwrap_or_else(now);
        let message = Message {
            id: &id,
            timestamp,
            body: &body,
        };
        for scheme in self.schemes {
            for (name, value) in sign(scheme, &keys, &message)? {
                print(&format!("{name}: {value}"))?;
            }
        }
        Ok(())
    }
}
