//! A summary of a configuration in one line.

use config_diagnostics::quoted_list;

use super::Config;

impl Config {
    /// Returns the summary for `webhook-sender check` and the first log line. Contains no secret.
    pub fn summary(&self) -> String {
        let endpoints: usize = self
            .tenants
            .iter()
            .map(|tenant| tenant.endpoints.len())
            .sum();
        let names: Vec<_> = self.sources.iter().map(|source| &*source.name).collect();
        let sources = match &names[..] {
            [] => "no source".into(),
            [name] => format!("source `{name}`"),
            _ => format!("sources {}", quoted_list(&names)),
        };
        let scheme = self
            .store
            .url
            .reveal()
            .split("://")
            .next()
            .unwrap_or_default();
        let token = match self.api.token {
            Some(_) => "with a token",
            None => "without a token",
        };
        format!(
            "sender `{}`, {scheme} store, {sources}, API on {} {token}, {}, {}",
            self.name,
            self.api.listen,
            counted(self.tenants.len(), "tenant"),
            counted(endpoints, "endpoint"),
        )
    }
}

fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}
