//! The tables of the file, each with its defaults.

use std::path::Path;
use std::time::Duration;

use config_diagnostics::{Fields, Node, quoted_list, unknown_name};
use event_transforms::component::Folder;
use ip_network::IpNetwork;
use redis_link::Address;
use webhook_client::Policy;
use webhook_model::{DEFAULT_KEPT_RESPONSE_BYTES, MAX_DATA_BYTES, MAX_KEPT_RESPONSE_BYTES};
use webhook_signature::check_text;
use webhook_store::postgres;

use super::api::token;
use super::check::outlasts;
use super::read::{self, bytes, duration_within, flag, number, parsed};
use super::rules::{LEASE, TIMEOUT, TIMEOUTS};
use super::secret_ref::{self, Token};
use crate::registry::Limits;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The URL schemes of Redis: a single server, and a cluster by any of its nodes.
const REDIS: [&str; 4] = ["redis", "rediss", "redis+cluster", "rediss+cluster"];

/// The URL schemes of PostgreSQL.
const POSTGRES: [&str; 2] = ["postgres", "postgresql"];

/// `[store]`: the durable store of events, endpoints and deliveries.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// `sqlite://PATH`, a URL of PostgreSQL as [`postgres::Address`] parses it, or one of Redis as
    /// [`Address`] does. May contain a password: do not log.
    pub url: Token,
}

/// `[metrics]`
#[derive(Clone, Debug)]
pub struct MetricsConfig {
    /// A token that grants access to `/metrics` only, for metrics collectors.
    pub token: Option<Token>,
}

/// `[delivery]`
#[derive(Clone, Debug)]
pub struct DeliveryConfig {
    /// The addresses that deliveries may go to: `allow_http`, `allow_networks` and `deny_networks`.
    pub policy: Policy,
    /// The folder of transform components.
    pub components: Folder,
    /// The timeout of an attempt to endpoints that declare none.
    pub timeout: Duration,
    /// The number of concurrent attempts to one endpoint that declares none.
    pub max_in_flight: usize,
    /// The number of concurrent attempts in total.
    pub places: usize,
    /// The time after the last renewal for which a process owns its deliveries in flight.
    pub lease: Duration,
    /// The most bytes of an event's data.
    pub max_body: usize,
    /// An endpoint that has been failing for this long is disabled.
    pub disable_after: Duration,
    /// The number of bytes of a response's body that an attempt keeps.
    pub keep_response: usize,
    /// The number of times that the planning of an event may begin before the event is rejected.
    pub max_tries: u32,
}

/// Reads `[limits]` or `[tenant.limits]`, with `general` as defaults.
pub(super) fn limits(fields: Part<'_, '_>, general: Limits) -> Limits {
    Limits {
        endpoints: fields
            .get("endpoints", number(1..=1_000_000))
            .unwrap_or(general.endpoints),
        planned_bytes: fields
            .get("planned_bytes", bytes(1 << 20..=4 << 30))
            .unwrap_or(general.planned_bytes),
    }
}

/// `[retention]`: the time for which ended deliveries and audit entries are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionConfig {
    pub succeeded: Duration,
    pub dead: Duration,
    /// The time for which entries of the audit list are kept.
    pub audit: Duration,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    pub format: LogFormat,
    /// Levels in the syntax of `RUST_LOG`.
    pub filter: String,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Text,
}

type Part<'a, 'f> = &'a mut Fields<'f>;

impl StoreConfig {
    pub(super) fn read(fields: Part<'_, '_>, folder: &Path) -> Self {
        let url = fields.get("url", |node| store_url(node, folder));
        Self {
            url: url.unwrap_or_else(|| Token::new("sqlite://sender.db")),
        }
    }
}

impl MetricsConfig {
    pub(super) fn read(fields: Part<'_, '_>, folder: &Path) -> Self {
        Self {
            token: fields.get("token", |node| token(node, folder)),
        }
    }
}

impl DeliveryConfig {
    pub(super) fn read(fields: Part<'_, '_>, folder: &Path) -> Self {
        let allow_http = fields.get("allow_http", flag).unwrap_or(false);
        let network = || parsed::<IpNetwork>("a network such as `10.0.0.0/8`");
        let mut networks = |key| fields.list(key, network()).unwrap_or_default();
        let policy = Policy {
            allow_http,
            allow_networks: networks("allow_networks"),
            deny_networks: networks("deny_networks"),
        };
        let line = fields.line_of("timeout");
        let timeout = fields.get("timeout", duration_within(TIMEOUTS));
        let timeout = timeout.unwrap_or(TIMEOUT);
        let lease = fields.get(
            "lease",
            duration_within(Duration::from_secs(1)..=60 * MINUTE),
        );
        let lease = lease.unwrap_or(LEASE);
        if let Some(message) = outlasts(timeout, lease) {
            fields.fault_at("timeout", line, message);
        }
        let components = fields.get("components", read::text);
        let components = components.as_deref().unwrap_or("components");
        Self {
            policy,
            components: Folder::new(folder.join(components)),
            timeout,
            lease,
            max_in_flight: fields
                .get("max_in_flight", number(1..=100_000))
                .unwrap_or(512),
            places: fields.get("places", number(1..=1_000_000)).unwrap_or(4096),
            max_body: fields
                .get("max_body", bytes(1..=64 << 20))
                .unwrap_or(MAX_DATA_BYTES),
            disable_after: fields
                .get("disable_after", duration_within(MINUTE..=YEAR))
                .unwrap_or(5 * DAY),
            keep_response: fields
                .get("keep_response", bytes(0..=MAX_KEPT_RESPONSE_BYTES as i64))
                .unwrap_or(DEFAULT_KEPT_RESPONSE_BYTES),
            // The first try is the first planning: with a single one, events that a crash has
            // interrupted would be rejected at once.
            max_tries: fields.get("max_tries", number(2..=1000)).unwrap_or(5),
        }
    }
}

impl RetentionConfig {
    pub(super) fn read(fields: Part<'_, '_>) -> Self {
        let mut keep = |key, default| {
            fields
                .get(key, duration_within(Duration::ZERO..=10 * YEAR))
                .unwrap_or(default)
        };
        Self {
            succeeded: keep("succeeded", 3 * DAY),
            dead: keep("dead", 30 * DAY),
            audit: keep("audit", 90 * DAY),
        }
    }
}

impl LogConfig {
    pub(super) fn read(fields: Part<'_, '_>) -> Self {
        Self {
            format: fields.get("format", format).unwrap_or(LogFormat::Json),
            filter: fields
                .get("filter", log_filter)
                .unwrap_or_else(|| "info".into()),
        }
    }
}

fn format(node: Node) -> Result<LogFormat, String> {
    const FORMATS: [&str; 2] = ["json", "text"];
    match read::text(node)?.as_str() {
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        other => Err(unknown_name("format", other, &FORMATS)),
    }
}

fn log_filter(node: Node) -> Result<String, String> {
    let text = read::text(node)?;
    match text.parse::<tracing_subscriber::filter::Targets>() {
        Ok(_) => Ok(text),
        Err(error) => Err(format!("`{text}`: {error}")),
    }
}

/// Reads the URL of a store. Errors contain the scheme only, because the rest may hold a password.
fn store_url(node: Node, folder: &Path) -> Result<Token, String> {
    let schemes = [&["sqlite"][..], &POSTGRES, &REDIS].concat();
    secret_ref::resolve(read::text(node)?, folder, |text| {
        checked_url(text, &schemes)
    })
}

/// Checks a URL with one of these schemes. Errors contain the scheme only, because the rest may hold a
/// password.
fn checked_url(text: &str, schemes: &[&str]) -> Result<Token, String> {
    check_text(text).map_err(|_| {
        "the URL is empty, in quotes, or begins or ends with white space or a byte order mark"
            .to_owned()
    })?;
    match text.split_once("://") {
        Some(("sqlite", path)) if schemes.contains(&"sqlite") => check_sqlite(path)?,
        Some((scheme, rest)) if schemes.contains(&scheme) && !rest.is_empty() => {
            if POSTGRES.contains(&scheme) {
                postgres::Address::parse(text).map_err(|error| error.to_string())?;
            } else {
                check_redis(text)?;
            }
        }
        Some((scheme, _)) => {
            let scheme: String = scheme.chars().take(20).collect();
            return Err(format!(
                "a URL of scheme `{scheme}`; known are {}",
                quoted_list(schemes)
            ));
        }
        None => {
            return Err(format!(
                "not a URL; known schemes are {}",
                quoted_list(schemes)
            ));
        }
    }
    Ok(Token::new(text))
}

/// Checks the address of a Redis as a store, whose scripts read the replies of RESP2.
fn check_redis(text: &str) -> Result<(), String> {
    let address = Address::parse(text).map_err(|error| error.to_string())?;
    match address.is_resp3() {
        true => Err("`protocol=resp3` is supported by sources only".to_owned()),
        false => Ok(()),
    }
}

/// Checks the path of a database. Everything after `sqlite://` is the path, so options that other
/// programs accept in the URL would become part of the file name.
fn check_sqlite(path: &str) -> Result<(), String> {
    if path.is_empty() {
        return Err("the path after `sqlite://` is missing".into());
    }
    if path.contains(":memory:") {
        return Err("`:memory:` would be lost with the process; name a file".into());
    }
    match path.split_once('?') {
        Some((_, query)) => {
            let name = query.split('=').next().unwrap_or_default();
            let name: String = name.chars().take(40).collect();
            Err(format!(
                "unknown query parameter `{name}`: everything after `sqlite://` is the path of the \
                 file, which is created if it is missing"
            ))
        }
        None => Ok(()),
    }
}
