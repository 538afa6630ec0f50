//! `[[source]]`: the queues and streams that events are read from, besides the API.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use config_diagnostics::{Fields, Node, Value, quoted_list};
use event_sources::postgres_outbox::Table;
use event_sources::{kafka, nats, rabbitmq};
use redis_link::Address;
use webhook_model::TenantId;
use webhook_signature::check_text;

use super::read::{self, duration_within, flag, number};
use super::secret_ref::{self, Token};
use super::source_kafka::{self, KafkaConfig};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The most characters of a source's name.
const MAX_NAME: usize = 64;

/// The origins of events that come from no source.
const RESERVED: [&str; 4] = ["api", "cli", "sender", "unknown"];

/// The default name of a stream or a queue.
const EVENTS: &str = "events";

/// The default name of a group of consumers.
const GROUP: &str = "webhook-sender";

/// The URL schemes, and the systems that they stand for.
const SCHEMES: [(&str, System); 11] = [
    ("redis", System::Redis),
    ("rediss", System::Redis),
    ("redis+cluster", System::Redis),
    ("rediss+cluster", System::Redis),
    ("amqp", System::RabbitMq),
    ("amqps", System::RabbitMq),
    ("nats", System::Nats),
    ("tls", System::Nats),
    ("kafka", System::Kafka),
    ("postgres", System::Postgres),
    ("postgresql", System::Postgres),
];

/// `[[source]]`
#[derive(Clone, Debug)]
pub struct SourceConfig {
    /// Unique among the sources: it is part of the ids of events without one.
    pub name: String,
    /// May contain a password: do not log.
    pub url: Token,
    /// The tenant of all entries. Without it, each entry names its tenant.
    pub tenant: Option<TenantId>,
    pub kind: SourceKind,
}

/// The keys of one system.
#[derive(Clone, Debug)]
pub enum SourceKind {
    Redis {
        stream: String,
        group: String,
        /// The time after which an entry that is pending with another consumer is claimed.
        claim_after: Duration,
        /// If true, entries that every group of the stream has acknowledged are removed.
        trim: bool,
    },
    RabbitMq {
        queue: String,
        /// The most messages that are delivered before they are acknowledged.
        prefetch: Option<u16>,
    },
    Nats {
        stream: String,
        /// The durable consumer.
        group: String,
        subjects: Vec<String>,
        /// The content of a credentials file.
        credentials: Option<Token>,
    },
    Kafka(KafkaConfig),
    Postgres {
        table: Table,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum System {
    Redis,
    RabbitMq,
    Nats,
    Kafka,
    Postgres,
}

type Part<'a, 'f> = &'a mut Fields<'f>;

impl SourceConfig {
    /// Reads all tables of sources.
    pub(super) fn read_all(fields: Part<'_, '_>, folder: &Path) -> Vec<Self> {
        if fields.has("stream") {
            fields.get("stream", |node| Err::<(), _>(replacement(&node)));
        }
        let mut names = HashSet::new();
        let sources = fields.tables("source", |part| Self::read(part, folder, &mut names));
        sources.into_iter().flatten().collect()
    }

    /// Reads a table. Returns `None`, with a fault recorded, if a required key is missing or invalid.
    fn read(fields: Part<'_, '_>, folder: &Path, names: &mut HashSet<String>) -> Option<Self> {
        let line = fields.line_of("name");
        let name = fields.need("name", name);
        if let Some(name) = &name
            && !names.insert(name.clone())
        {
            fields.fault_at("name", line, format!("source `{name}` is defined twice"));
        }
        let tenant = fields.get("tenant", |node| {
            TenantId::parse(&read::text(node)?).map_err(|error| error.to_string())
        });
        let mut system = None;
        let url = fields.need("url", |node| {
            secret_ref::resolve(read::text(node)?, folder, |text| {
                system = Some(checked_system(text)?);
                Ok(Token::new(text))
            })
        });
        let kind = read_kind(fields, folder, system);
        Some(Self {
            name: name?,
            url: url?,
            tenant,
            kind: kind?,
        })
    }
}

/// Reads the keys of a system. Without one, reads the keys of all, so that none is reported as unknown
/// because the URL is wrong.
fn read_kind(fields: Part<'_, '_>, folder: &Path, system: Option<System>) -> Option<SourceKind> {
    let is = |one| system.is_none_or(|system| system == one);
    let (mut stream, mut group) = (EVENTS.to_owned(), GROUP.to_owned());
    if is(System::Redis) || is(System::Nats) {
        stream = text(fields, "stream", EVENTS);
    }
    if is(System::Redis) || is(System::Nats) || is(System::Kafka) {
        group = text(fields, "group", GROUP);
    }
    let redis = is(System::Redis).then(|| SourceKind::Redis {
        stream: stream.clone(),
        group: group.clone(),
        claim_after: fields
            .get("claim_after", duration_within(Duration::from_secs(1)..=DAY))
            .unwrap_or(MINUTE),
        trim: fields.get("trim", flag).unwrap_or(false),
    });
    let rabbitmq = is(System::RabbitMq).then(|| SourceKind::RabbitMq {
        queue: text(fields, "queue", EVENTS),
        prefetch: fields.get("prefetch", number(1..=65_535)),
    });
    let nats = is(System::Nats).then(|| SourceKind::Nats {
        stream,
        group: group.clone(),
        subjects: fields.list("subjects", read::text).unwrap_or_default(),
        credentials: fields.get("credentials", secret_ref::secret(folder)),
    });
    let postgres = is(System::Postgres).then(|| outbox(fields));
    let kafka = is(System::Kafka).then(|| source_kafka::read(fields, folder, group));
    let kafka = kafka.map(SourceKind::Kafka);
    system?;
    redis.or(rabbitmq).or(nats).or(kafka).or(postgres.flatten())
}

/// Reads the keys of an outbox. Returns `None` if one is invalid.
fn outbox(fields: Part<'_, '_>) -> Option<SourceKind> {
    let mut name = |key, default: &str| {
        let checked = |node| {
            let text = read::text(node)?;
            let checked = Table::new(&text, &text).map(|_| text);
            checked.map_err(|error| error.to_string())
        };
        let name = fields.get(key, checked);
        name.unwrap_or_else(|| default.to_owned())
    };
    let (schema, table) = (name("schema", Table::SCHEMA), name("table", Table::NAME));
    let table = Table::new(&schema, &table).ok()?;
    Some(SourceKind::Postgres { table })
}

fn text(fields: Part<'_, '_>, key: &'static str, default: &str) -> String {
    let text = fields.get(key, read::text);
    text.unwrap_or_else(|| default.to_owned())
}

/// Parses a name that can be part of an event's id.
fn name(node: Node) -> Result<String, String> {
    let text = read::text(node)?;
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    if text.is_empty() || text.len() > MAX_NAME || !text.bytes().all(fits) {
        return Err(format!(
            "`{text}` is not 1 to {MAX_NAME} lower-case letters, digits, `-` and `_`"
        ));
    }
    if RESERVED.contains(&&*text) {
        let reserved = quoted_list(&RESERVED);
        return Err(format!("`{text}` is reserved, as {reserved} are"));
    }
    Ok(text)
}

/// Checks a URL, and returns the system that its scheme stands for. Errors do not contain the URL, which
/// may hold a password.
fn checked_system(text: &str) -> Result<System, String> {
    check_text(text).map_err(|_| {
        "the URL is empty, in quotes, or begins or ends with white space or a byte order mark"
            .to_owned()
    })?;
    let known = quoted_list(&SCHEMES.map(|(scheme, _)| scheme));
    let Some((scheme, _)) = text.split_once("://") else {
        return Err(format!("not a URL; known schemes are {known}"));
    };
    let found = SCHEMES.iter().find(|(known, _)| *known == scheme);
    let Some((_, system)) = found else {
        let scheme: String = scheme.chars().take(20).collect();
        return Err(format!("a URL of scheme `{scheme}`; known are {known}"));
    };
    let checked = match system {
        System::Redis => Address::parse(text)
            .map(drop)
            .map_err(|error| error.to_string()),
        System::RabbitMq => rabbitmq::Address::parse(text)
            .map(drop)
            .map_err(|error| error.to_string()),
        System::Nats => nats::Address::parse(text)
            .map(drop)
            .map_err(|error| error.to_string()),
        System::Kafka => source_kafka::check_built(kafka::IS_BUILT)
            .and_then(|()| kafka::Address::parse(text).map_err(|error| error.to_string()))
            .map(drop),
        System::Postgres => check_database(text),
    };
    checked.map(|()| *system)
}

/// Checks the URL of a database.
fn check_database(text: &str) -> Result<(), String> {
    let address = postgres_link::Address::parse(text).map_err(|error| error.to_string())?;
    if address.names_schema() {
        return Err(
            "`schema` in the URL is for stores; name that of the table by the key `schema`".into(),
        );
    }
    Ok(())
}

/// Returns what to write instead of the table `[stream]` of earlier versions.
fn replacement(node: &Node) -> String {
    let entries = node.entries().unwrap_or_default();
    let text = |key: &str| {
        let found = entries.iter().find(|(name, _)| name == key);
        found.and_then(|(_, node)| node.string().ok())
    };
    let url = match text("url") {
        // The rest of a URL may hold a password.
        Some(url) if !url.contains('@') => url,
        _ => "…",
    };
    let stream = text("name").unwrap_or(EVENTS);
    let mut lines = vec![
        "replaced by `[[source]]`; write".to_owned(),
        "[[source]]".to_owned(),
        format!("name = \"{EVENTS}\""),
        format!("url = \"{url}\""),
        format!("stream = \"{stream}\""),
    ];
    let value = |key: &str| {
        let (_, node) = entries.iter().find(|(name, _)| name == key)?;
        match &node.value {
            Value::Text(text) => Some(format!("\"{text}\"")),
            Value::Int(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        }
    };
    for key in ["group", "claim_after", "trim"] {
        lines.extend(value(key).map(|value| format!("{key} = {value}")));
    }
    if let Some(tries) = value("max_tries") {
        lines.push("and in `[delivery]`".to_owned());
        lines.push(format!("max_tries = {tries}"));
    }
    lines.join("\n    ")
}
