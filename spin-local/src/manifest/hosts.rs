//! `allowed_outbound_hosts`, and the `allowed_http_hosts` that came before it.

use url::Url;

use super::component::Draft;
use crate::allowed_hosts::{AllowedHost, AllowedHostError};
use crate::toml_text::{Entry, Fault, Table, did_you_mean};
use crate::variables::{Template, Variables};

/// Reads both lists of the component `table`, one of `components`.
pub(super) fn read(
    table: &Table<'_>,
    components: &[Draft<'_>],
    variables: &Variables,
    warnings: &mut Vec<String>,
) -> Result<Vec<AllowedHost>, Fault> {
    let mut hosts = Vec::new();
    for entry in table.list("allowed_outbound_hosts")? {
        if let Some(host) = read_entry(&entry, variables)? {
            hosts.push(settle(&entry, host, components, warnings));
        }
    }
    let old = table.list("allowed_http_hosts")?;
    if let Some(first) = old.first() {
        let deprecated =
            first.fault("`allowed_http_hosts` is deprecated; write `allowed_outbound_hosts`");
        warnings.push(deprecated.to_string());
    }
    for entry in old {
        for host in from_http_host(&entry)? {
            let host = AllowedHost::parse(&host).map_err(|error| refuse(&entry, &error))?;
            hosts.push(settle(&entry, host, components, warnings));
        }
    }
    Ok(hosts)
}

/// The schemes by which what is here reaches out: HTTP, Redis, and the sockets of WASI.
const SERVED: [&str; 8] = [
    "http", "https", "redis", "rediss", "tcp", "udp", "valkey", "valkeys",
];

/// A warning about a host for an interface that only Spin has: a call of it ends its request.
fn warn_unserved(entry: &Entry<'_>, host: &AllowedHost, warnings: &mut Vec<String>) {
    let Some(scheme) = host.scheme().filter(|scheme| !SERVED.contains(scheme)) else {
        return;
    };
    let warning = entry.fault(format!(
        "`{}`: `{host}` allows what spin-local does not have: nothing in it reaches out by \
         `{scheme}`",
        entry.path
    ));
    warnings.push(warning.to_string());
}

/// The host in an app of these components. One that is for a component the app does not have, or
/// that no trigger names, becomes a warning: Spin takes it, and no call to it succeeds.
fn settle(
    entry: &Entry<'_>,
    host: AllowedHost,
    components: &[Draft<'_>],
    warnings: &mut Vec<String>,
) -> AllowedHost {
    warn_unserved(entry, &host, warnings);
    let answering = || {
        let answering = components.iter().filter(|draft| draft.triggered);
        answering.map(|draft| draft.id.as_str())
    };
    if let Some(id) = host.component()
        && answering().all(|known| known != id)
    {
        let warning = entry.fault(format!(
            "`{}`: no trigger names a component `{id}`{}",
            entry.path,
            did_you_mean(id, answering())
        ));
        let warning = warning.to_string();
        // An entry of the old list stands for two hosts.
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    host.among(components.iter().map(|draft| draft.id.as_str()))
}

/// One entry with its variables filled in. None where they leave nothing of it.
fn read_entry(entry: &Entry<'_>, variables: &Variables) -> Result<Option<AllowedHost>, Fault> {
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
            "`{}`: `{text}` is no allowed host with its variables filled in{why}",
            entry.path
        ))
    })?;
    Ok(Some(host))
}

fn refuse(entry: &Entry<'_>, error: &AllowedHostError) -> Fault {
    entry.fault(format!("`{}`: {error}", entry.path))
}

/// What an entry of the old list means in the new one.
fn from_http_host(entry: &Entry<'_>) -> Result<Vec<String>, Fault> {
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
    let sound = matches!(url.scheme(), "http" | "https") && url.path() == "/";
    let host = url.host_str()?.to_owned();
    sound.then_some((host, url.port()))
}
