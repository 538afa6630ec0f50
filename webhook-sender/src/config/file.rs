//! The file as a whole.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use config_diagnostics::{Diagnostic, Fields, InvalidFile, Node};
use webhook_model::{EndpointId, Retry, TenantId};

use super::endpoint::policy;
use super::read::{self, number};
use super::rules::Source;
use super::sections;
use super::{
    ApiConfig, DeliveryConfig, EndpointSpec, LogConfig, MetricsConfig, RetentionConfig, Rules,
    StoreConfig, StreamConfig,
};
use crate::registry::Limits;

/// The name of the policy that endpoints without one follow.
const DEFAULT_RETRY: &str = "default";

/// `sender.toml`, read and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// What this process is called among the senders of a store: the machine's name by default.
    pub name: String,
    pub store: StoreConfig,
    pub stream: Option<StreamConfig>,
    pub api: ApiConfig,
    pub metrics: MetricsConfig,
    pub delivery: DeliveryConfig,
    /// `[limits]`: what a tenant may use at most, unless it has limits of its own.
    pub limits: Limits,
    pub retention: RetentionConfig,
    pub log: LogConfig,
    /// `[retry.NAME]`; `default` is always there.
    pub retries: BTreeMap<String, Retry>,
    /// `[[tenant]]`
    pub tenants: Vec<TenantConfig>,
    /// How many endpoints the file removes, where that is more than it keeps.
    pub confirm_removal: Option<usize>,
    /// Where relative paths start.
    pub folder: PathBuf,
}

/// A tenant and its endpoints.
#[derive(Clone, Debug)]
pub struct TenantConfig {
    pub id: TenantId,
    /// `[tenant.limits]`, and for what is not there `[limits]`.
    pub limits: Limits,
    pub endpoints: Vec<(EndpointId, EndpointSpec)>,
}

impl Config {
    /// Reads a file. It compiles what the file declares: keep it off the async threads.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn load(path: &Path) -> Result<Self, InvalidFile> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let message = error.to_string();
            InvalidFile::new(
                path.into(),
                vec![Diagnostic {
                    field: String::new(),
                    message,
                    line: None,
                }],
            )
        })?;
        Self::parse(&text, path)
    }

    /// Reads the text of a file. Relative paths in it start at the folder of `path`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn parse(text: &str, path: &Path) -> Result<Self, InvalidFile> {
        let refused = |faults| InvalidFile::new(path.into(), faults);
        let root = Node::from_toml(text).map_err(refused)?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let mut faults = Vec::new();
        let mut fields = Fields::of(root, "", &mut faults);
        let config = Self::read(&mut fields, folder);
        fields.finish();
        match faults.is_empty() {
            true => Ok(config),
            false => Err(refused(faults)),
        }
    }

    fn read(fields: &mut Fields<'_>, folder: PathBuf) -> Self {
        let retries = retries(fields);
        let delivery = fields.section("delivery", |part| DeliveryConfig::read(part, &folder));
        let rules = Rules {
            policy: delivery.policy.clone(),
            timeout: delivery.timeout,
            lease: delivery.lease,
            retries,
            folder: folder.clone(),
            components: delivery.components.clone(),
        };
        let limits = fields.section("limits", |part| sections::limits(part, Limits::default()));
        let mut seen = HashSet::new();
        let tenants = fields.tables("tenant", |part| tenant(part, &rules, limits, &mut seen));
        Self {
            name: fields.get("name", name).unwrap_or_else(machine),
            store: fields.section("store", |part| StoreConfig::read(part, &folder)),
            stream: fields
                .table("stream", |part| StreamConfig::read(part, &folder))
                .flatten(),
            api: fields.section("api", |part| ApiConfig::read(part, &folder)),
            metrics: fields.section("metrics", |part| MetricsConfig::read(part, &folder)),
            retention: fields.section("retention", RetentionConfig::read),
            log: fields.section("log", LogConfig::read),
            tenants: tenants.into_iter().flatten().collect(),
            confirm_removal: fields.get("confirm_removal", number(1..=i64::MAX)),
            retries: rules.retries,
            limits,
            delivery,
            folder,
        }
    }

    /// What the API's declarations are held to: the same as the file's.
    pub fn rules(&self) -> Rules {
        Rules {
            policy: self.delivery.policy.clone(),
            timeout: self.delivery.timeout,
            lease: self.delivery.lease,
            retries: self.retries.clone(),
            folder: self.folder.clone(),
            components: self.delivery.components.clone(),
        }
    }

    /// The policy that endpoints without one follow.
    pub fn retry(&self) -> Retry {
        self.retries.get(DEFAULT_RETRY).cloned().unwrap_or_default()
    }
}

fn retries(fields: &mut Fields<'_>) -> BTreeMap<String, Retry> {
    let policies = fields.named("retry", policy);
    // A broken policy keeps its name, so that those that follow it are not at fault as well.
    let known = policies
        .into_iter()
        .map(|(name, retry)| (name, retry.unwrap_or_default()));
    let mut retries: BTreeMap<_, _> = known.collect();
    retries.entry(DEFAULT_RETRY.into()).or_default();
    retries
}

fn tenant(
    fields: &mut Fields<'_>,
    rules: &Rules,
    general: Limits,
    seen: &mut HashSet<TenantId>,
) -> Option<TenantConfig> {
    let line = fields.line_of("id");
    let id = fields.need("id", |node| {
        TenantId::parse(&read::text(node)?).map_err(|error| error.to_string())
    });
    if let Some(id) = &id
        && !seen.insert(id.clone())
    {
        fields.fault_at("id", line, format!("tenant `{id}` is there twice"));
    }
    let limits = fields.section("limits", |part| sections::limits(part, general));
    let (line, mut seen) = (fields.line_of("endpoint"), HashSet::new());
    let endpoints = fields.tables("endpoint", |part| endpoint(part, rules, &mut seen));
    if endpoints.len() > limits.endpoints {
        let (count, most) = (endpoints.len(), limits.endpoints);
        let message = format!("{count} endpoints; `limits.endpoints` allows {most}");
        fields.fault_at("endpoint", line, message);
    }
    let endpoints = endpoints.into_iter().flatten().collect();
    id.map(|id| TenantConfig {
        id,
        limits,
        endpoints,
    })
}

fn endpoint(
    fields: &mut Fields<'_>,
    rules: &Rules,
    seen: &mut HashSet<EndpointId>,
) -> Option<(EndpointId, EndpointSpec)> {
    let line = fields.line_of("id");
    let id = fields.need("id", |node| {
        EndpointId::parse(&read::text(node)?).map_err(|error| error.to_string())
    });
    if let Some(id) = &id
        && !seen.insert(id.clone())
    {
        fields.fault_at("id", line, format!("endpoint `{id}` is there twice"));
    }
    let spec = EndpointSpec::read(fields, rules, Source::File)?;
    Some((id?, spec))
}

/// A name that can be part of a key in a store.
fn name(node: Node) -> Result<String, String> {
    let text = read::text(node)?;
    let fits = text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic());
    match fits {
        true => Ok(text),
        false => Err(format!("`{text}` is not 1 to 128 visible ASCII characters")),
    }
}

fn machine() -> String {
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    match name.is_empty() {
        true => "sender".into(),
        false => name,
    }
}
