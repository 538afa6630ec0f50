//! The variable `store_url`.

use problem_details::Problem;
use url::Url;

use crate::config::variable;
use crate::platform::{Log, Variables};
use crate::problems;

/// The store that the variable selects. It has no `Debug`, because an address may contain a password.
pub enum StoreUrl {
    /// It is empty: the app's own database.
    Local,
    /// `postgres://…` or `postgresql://…`.
    Postgres(String),
    /// `redis://…` or `rediss://…`.
    Redis(String),
}

impl StoreUrl {
    /// Reads the variable.
    ///
    /// # Errors
    ///
    /// Returns 500 if it is not a URL of one of the stores.
    pub fn load(platform: &(impl Variables + Log)) -> Result<Self, Problem> {
        let address = variable(platform, "store_url")?;
        if address.is_empty() {
            return Ok(Self::Local);
        }
        let url = Url::parse(&address).ok().filter(Url::has_host);
        match url.as_ref().map(Url::scheme) {
            Some("postgres" | "postgresql") => Ok(Self::Postgres(address)),
            Some("redis" | "rediss") => Ok(Self::Redis(address)),
            _ => {
                // The value is not shown: it may contain a password.
                let reason = "it is not a URL of the form `postgres://user:password@host/database` \
                              or `redis://host:port`";
                Err(problems::bad_configuration("store_url", reason))
            }
        }
    }
}
