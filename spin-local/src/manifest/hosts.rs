//! `allowed_outbound_hosts`, and its predecessor `allowed_http_hosts`.

use config_diagnostics::{Diagnostics, Entry, Table, did_you_mean};
use url::Url;

use super::draft::Draft;
use crate::allowed_hosts::{AllowedHost, AllowedHostError};
use crate::variables::{Template, Variables};

/// Reads both lists of the component `table`, one of `components`.
pub(super) fn read(
    table: &Table<'_>,
    components: &[Draft<'_>],
    variables: &Variables,
    warnings: &mut Vec<String>,
) -> Result<Vec<AllowedHost>, Diagnostics> {
    let mut found = Diagnostics::default();
    let mut hosts = Vec::new();
    for entry in table.list("allowed_outbound_hosts")? {
        if let Some(Some(host)) = found.keep(read_entry(&entry, variables)) {
            hosts.push(resolve(&entry, host, components, warnings));
        }
    }
    let old = table.list("allowed_http_hosts")?;
    if let Some(first) = old.first() {
        let message = "`allowed_http_hosts` is deprecated; use `allowed_outbound_hosts`";
        warnings.push(first.warning(message));
    }
    for entry in old {
        let texts = found.keep(from_http_host(&entry)).unwrap_or_default();
        for text in texts {
            let host = AllowedHost::parse(&text).map_err(|error| refuse(&entry, &error));
            let host = found.keep(host);
            hosts.extend(host.map(|host| resolve(&entry, host, components, warnings)));
        }
    }
    found.or(hosts)
}

/// The schemes of the outbound interfaces that this host has: HTTP, PostgreSQL, Redis, and the
/// sockets of WASI.
const SUPPORTED_SCHEMES: [&str; 9] = [
    "http", "https", "postgres", "redis", "rediss", "tcp", "udp", "valkey", "valkeys",
];

/// Warns of a host for an outbound interface that only Spin has.
fn warn_unsupported_scheme(entry: &Entry<'_>, host: &AllowedHost, warnings: &mut Vec<String>) {
    let Some(scheme) = host
        .scheme()
        .filter(|scheme| !SUPPORTED_SCHEMES.contains(scheme))
    else {
        return;
    };
    warnings.push(entry.warning(format!(
        "`{}`: `{host}` has no effect: spin-local has no outbound interface for `{scheme}`",
        entry.path
    )));
}

/// Resolves a host against the components of the app. A host that stands for a component which the
/// app does not have, or which no trigger names, is a warning: Spin accepts it, and every request
/// to it fails.
fn resolve(
    entry: &Entry<'_>,
    host: AllowedHost,
    components: &[Draft<'_>],
    warnings: &mut Vec<String>,
) -> AllowedHost {
    warn_unsupported_scheme(entry, &host, warnings);
    let triggered = || {
        let triggered = components.iter().filter(|draft| draft.triggered);
        triggered.map(|draft| draft.id.as_str())
    };
    if let Some(id) = host.component()
        && triggered().all(|known| known != id)
    {
        let warning = entry.warning(format!(
            "`{}`: no trigger names a component `{id}`{}",
            entry.path,
            did_you_mean(id, triggered())
        ));
        // An entry of the old list stands for two hosts, and one warning is enough.
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    host.among(components.iter().map(|draft| draft.id.as_str()))
}

/// Reads one entry and fills in its variables. Returns `None` if they are empty and leave no host.
fn read_entry(
    entry: &Entry<'_>,
    variables: &Variables,
) -> Result<Option<AllowedHost>, Diagnostics> {
    let text = entry.string()?;
    let in_list = |error| entry.fault(format!("`{}`: {error}", entry.path));
    let template = Template::parse(text).map_err(in_list)?;
    if template.is_literal() {
        let host = AllowedHost::parse(text).map_err(|error| refuse(entry, &error))?;
        return Ok(Some(host));
    }
    let filled = template.fill(variables).map_err(in_list)?;
    if matches!(filled.as_str(), "" | "http://" | "https://") {
        return Ok(None);
    }
    let host = AllowedHost::parse(&filled).map_err(|error| {
        let why = if template.is_secret(variables) {
            String::new()
        } else {
            format!(": {error}")
        };
        entry.fault(format!(
            "`{}`: `{text}` with its variables filled in is not an allowed host{why}",
            entry.path
        ))
    })?;
    Ok(Some(host))
}

fn refuse(entry: &Entry<'_>, error: &AllowedHostError) -> Diagnostics {
    entry.fault(format!("`{}`: {error}", entry.path))
}

/// Converts an entry of `allowed_http_hosts` to entries of `allowed_outbound_hosts`.
fn from_http_host(entry: &Entry<'_>) -> Result<Vec<String>, Diagnostics> {
    let text = entry.string()?;
    if text == "insecure:allow-all" {
        return Ok(["http://*:*", "https://*:*", "http://self"]
            .map(str::to_owned)
            .to_vec());
    }
    let (host, port) = split_http_host(text).ok_or_else(|| {
        entry.fault(format!(
            "`{}`: `{text}` is not `host` or `host:port`",
            entry.path
        ))
    })?;
    if host == "self" {
        return Ok(vec!["http://self".to_owned()]);
    }
    let port = port.map_or(String::new(), |port| format!(":{port}"));
    Ok(vec![
        format!("http://{host}{port}"),
        format!("https://{host}{port}"),
    ])
}

fn split_http_host(text: &str) -> Option<(String, Option<u16>)> {
    let url = if text.contains("//") {
        Url::parse(text)
    } else {
        Url::parse(&format!("http://{text}"))
    };
    let url = url.ok()?;
    let is_valid = matches!(url.scheme(), "http" | "https") && url.path() == "/";
    let host = url.host_str()?.to_owned();
    is_valid.then_some((host, url.port()))
}
