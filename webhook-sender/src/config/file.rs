//! The configuration file as a whole.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use config_diagnostics::{Diagnostic, Fields, InvalidFile, Node};
use webhook_model::{EndpointId, Retry, TenantId};

use super::endpoint::policy;
use super::read::{self, number};
use super::rules::Source;
use super::sections;
use super::{
    ApiConfig, DeliveryConfig, EndpointSpec, LogConfig, MetricsConfig, PagesConfig,
    RetentionConfig, Rules, SourceConfig, StoreConfig,
};
use crate::registry::Limits;

/// The name of the retry policy of endpoints that declare none.
const DEFAULT_RETRY: &str = "default";

/// The content of `sender.toml`, parsed and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The name of this process among the senders of a store; default: the host name.
    pub name: String,
    pub store: StoreConfig,
    /// `[[source]]`
    pub sources: Vec<SourceConfig>,
    pub api: ApiConfig,
    pub metrics: MetricsConfig,
    pub pages: PagesConfig,
    pub delivery: DeliveryConfig,
    /// `[limits]`: the limits of tenants that declare none.
    pub limits: Limits,
    pub retention: RetentionConfig,
    pub log: LogConfig,
    /// `[retry.NAME]`; always contains `default`.
    pub retries: BTreeMap<String, Retry>,
    /// `[[tenant]]`
    pub tenants: Vec<TenantConfig>,
    /// The number of endpoints to remove, required if that is more than the file keeps.
    pub confirm_removal: Option<usize>,
    /// The folder that relative paths start at.
    pub folder: PathBuf,
}

/// A tenant and its endpoints.
#[derive(Clone, Debug)]
pub struct TenantConfig {
    pub id: TenantId,
    /// `[tenant.limits]`, with the defaults of `[limits]`.
    pub limits: Limits,
    pub endpoints: Vec<(EndpointId, EndpointSpec)>,
}

impl Config {
    /// Loads a file. Compiles its expressions and components, so it must not run on an async thread.
    ///
    /// # Errors
    ///
    /// Returns all faults of the file.
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

    /// Parses the text of a file. Relative paths in it start at the folder of `path`.
    ///
    /// # Errors
    ///
    /// Returns all faults of the file.
    pub fn parse(text: &str, path: &Path) -> Result<Self, InvalidFile> {
        let refused = |faults| InvalidFile::new(path.into(), faults);
        let root = Node::from_toml(text).map_err(refused)?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let mut faults = Vec::new();
        let mut fields = Fields::of(root, "", &mut faults);
        let config = Self::read(&mut fields, folder);
        fields.finish();
        if faults.is_empty() {
            Ok(config)
        } else {
            Err(refused(faults))
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
            sources: SourceConfig::read_all(fields, &folder),
            api: fields.section("api", |part| ApiConfig::read(part, &folder)),
            metrics: fields.section("metrics", |part| MetricsConfig::read(part, &folder)),
            pages: fields.section("pages", PagesConfig::read),
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

    /// Returns the rules for declarations, in the file and to the API.
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

    /// Returns the retry policy of endpoints that declare none.
    pub fn retry(&self) -> Retry {
        self.retries.get(DEFAULT_RETRY).cloned().unwrap_or_default()
    }
}

fn retries(fields: &mut Fields<'_>) -> BTreeMap<String, Retry> {
    let policies = fields.named("retry", policy);
    // An invalid policy keeps its name, so that endpoints that refer to it are not reported too.
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

/// Parses a name that can be part of a key in a store.
fn name(node: Node) -> Result<String, String> {
    let text = read::text(node)?;
    let fits = text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        Ok(text)
    } else {
        Err(format!("`{text}` is not 1 to 128 visible ASCII characters"))
    }
}

fn machine() -> String {
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    if name.is_empty() {
        "sender".into()
    } else {
        name
    }
}
