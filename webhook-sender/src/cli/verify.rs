//! `webhook-sender verify`.

use anyhow::{Context, Result, bail};
use clap::Args;
use webhook_model::Clock;
use webhook_signature::{Freshness, Refusal, Request, Scheme, verify};

use super::output::print;
use super::secret::{Body, Secrets, scheme};

#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    secrets: Secrets,
    /// A header of the request, as `Name: value`; may be repeated
    #[arg(long = "header", short = 'H', required = true)]
    headers: Vec<String>,
    /// The weakest scheme to accept
    #[arg(long, value_parser = scheme, default_value = "plain")]
    weakest: Scheme,
    /// The current time in Unix seconds; default: the system clock
    #[arg(long)]
    now: Option<u64>,
    #[command(flatten)]
    body: Body,
}

impl Verify {
    /// Verifies the body and prints the scheme.
    ///
    /// # Errors
    ///
    /// Fails if the signature is rejected; the error has the code of the reason.
    pub fn run(self) -> Result<()> {
        let keys = self.secrets.credentials()?;
        let headers = self
            .headers
            .iter()
            .map(|header| {
                let split = header.split_once(':');
                let (name, value) =
                    split.with_context(|| format!("header `{header}` has no `:`"))?;
                Ok((name.trim(), value.trim()))
            })
            .collect::<Result<Vec<_>>>()?;
        let body = self.body.read()?;
        let now = || Clock::system().now().seconds();
        let now = Freshness::at(self.now.unwrap_or_else(now));
        let request = Request::new(headers, &body);
        match verify(&keys, &request, now, self.weakest) {
            Ok(verified) => print(&format!("verified by {}", verified.scheme.name())),
            Err(refusal) => bail!("{}", reason(&request, refusal)),
        }
    }
}

/// Returns the reason of a rejection: its code, its text, and the likely mistake of the sender.
pub fn reason(request: &Request<'_>, refusal: Refusal) -> String {
    let hint = request.likely_mistake(refusal);
    let hint = hint.map_or(String::new(), |hint| format!(": {hint}"));
    format!("{}: {refusal}{hint}", refusal.code())
}
