//! The runtime configuration: the files of an app's state, and the limits of its host.
//!
//! [`RuntimeConfig::load`] reads the file of `--runtime-config-file`. These settings of Spin are
//! supported: `[sqlite_database.<label>]` and `[key_value_store.<label>]` with `type = "spin"` and
//! a `path`, `[outbound_networking] block_networks`, `[[variables_provider]]` of the types `static`
//! and `env`, `state_dir`, `log_dir` and `max_instance_memory`. All others are errors with file,
//! line and name.
//!
//! ```
//! use spin_local::RuntimeConfig;
//!
//! let text = r#"
//! [key_value_store.cache]
//! type = "redis"
//! url = "redis://localhost"
//! "#;
//! let error = RuntimeConfig::from_text(text, "runtime.toml".as_ref(), "/srv".as_ref());
//! assert_eq!(
//!     error.err().unwrap().to_string(),
//!     "runtime.toml:3: key-value store `cache`: `type` `redis` is not supported by spin-local, \
//!      which keeps state in files (`spin`)"
//! );
//! ```

mod blocked_networks;
mod providers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config_diagnostics::{Diagnostics, Entry, InvalidFile, Table, collect_all};

pub use blocked_networks::BlockedNetworks;

use crate::manifest::{App, Component};
use crate::unsupported::unsupported;
use crate::variables::Provider;

/// The label that needs no runtime configuration.
const DEFAULT_LABEL: &str = "default";

/// The keys that Spin supports in a runtime configuration and `spin-local` does not.
const UNSUPPORTED: [&str; 7] = [
    "client_tls",
    "llm_compute",
    "outbound_http",
    "outbound_mqtt",
    "outbound_mysql",
    "outbound_pg",
    "outbound_redis",
];

/// The settings of a host. The default applies without a file.
#[derive(Clone, Default)]
pub struct RuntimeConfig {
    /// The files of SQLite databases by label. Without an entry, `default` is in the state folder.
    pub sqlite: BTreeMap<String, PathBuf>,
    /// The files of key-value stores by label. Without an entry, `default` is in the state folder.
    pub key_value: BTreeMap<String, PathBuf>,
    /// Addresses that no component can connect to, even if its manifest allows them.
    pub blocked: BlockedNetworks,
    /// The sources of values for variables, after the command line and before the environment.
    pub providers: Vec<Provider>,
    /// The state folder, unless the command line sets it.
    pub state_dir: Option<PathBuf>,
    /// The log folder, unless the command line sets it.
    pub log_dir: Option<PathBuf>,
    /// The memory limit of an instance in bytes.
    pub max_instance_memory: Option<usize>,
}

/// The error of a runtime configuration that is invalid or does not fit an app.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeConfigError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        cause: std::io::Error,
    },
    /// The file has faults.
    #[error(transparent)]
    Invalid(#[from] InvalidFile),
    /// A component uses a label that is not defined.
    #[error(
        "component `{component}`: `{list}` has `{label}`, which needs a `[{table}.{label}]` in a \
         runtime configuration file"
    )]
    Undefined {
        /// The id of the component.
        component: String,
        /// The key of the component that lists the label.
        list: &'static str,
        /// The label.
        label: String,
        /// The table of the runtime configuration that would define it.
        table: &'static str,
    },
}

impl RuntimeConfig {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or it has faults, all of which are listed.
    pub fn load(path: &Path) -> Result<Self, RuntimeConfigError> {
        let unreadable = |cause| RuntimeConfigError::Read {
            path: path.to_owned(),
            cause,
        };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let working_dir = std::env::current_dir().map_err(unreadable)?;
        Self::from_text(&text, path, &working_dir)
    }

    /// Reads a text as if it were the file `path`, relative to `working_dir`.
    ///
    /// As in Spin, a relative path of a key-value store starts at the folder of the file, and
    /// every other relative path at the working directory.
    ///
    /// # Errors
    ///
    /// The text has faults, all of which are listed.
    pub fn from_text(
        text: &str,
        path: &Path,
        working_dir: &Path,
    ) -> Result<Self, RuntimeConfigError> {
        let file = path.display().to_string();
        let beside_file = match path.parent() {
            Some(folder) => working_dir.join(folder),
            None => working_dir.to_owned(),
        };
        let config = Table::read(&file, text, |root| {
            let mut found = Diagnostics::default();
            found.keep(check_keys(root));
            let sqlite = found.keep(stores(root, "sqlite_database", working_dir));
            let key_value = found.keep(stores(root, "key_value_store", &beside_file));
            let blocked = found.keep(blocked_networks::read(root));
            let providers = found.keep(providers::read(root));
            let state_dir = found.keep(folder(root, "state_dir", working_dir));
            let log_dir = found.keep(folder(root, "log_dir", working_dir));
            let memory = found.keep(memory(root));
            found.or(Self {
                sqlite: sqlite.unwrap_or_default(),
                key_value: key_value.unwrap_or_default(),
                blocked: blocked.unwrap_or_default(),
                providers: providers.unwrap_or_default(),
                state_dir: state_dir.unwrap_or_default(),
                log_dir: log_dir.unwrap_or_default(),
                max_instance_memory: memory.unwrap_or_default(),
            })
        })?;
        Ok(config)
    }

    /// Checks the labels of `app`: each must be `default`, or defined in the file.
    ///
    /// # Errors
    ///
    /// The first label that is not defined.
    pub fn check(&self, app: &App) -> Result<(), RuntimeConfigError> {
        for component in &app.components {
            let check = |list, labels: &[String], table, defined: &BTreeMap<String, PathBuf>| {
                check_labels(component, list, labels, table, defined)
            };
            let Component {
                key_value_stores,
                sqlite_databases,
                ..
            } = component;
            check(
                "key_value_stores",
                key_value_stores,
                "key_value_store",
                &self.key_value,
            )?;
            check(
                "sqlite_databases",
                sqlite_databases,
                "sqlite_database",
                &self.sqlite,
            )?;
        }
        Ok(())
    }
}

fn check_labels(
    component: &Component,
    list: &'static str,
    labels: &[String],
    table: &'static str,
    defined: &BTreeMap<String, PathBuf>,
) -> Result<(), RuntimeConfigError> {
    let is_defined = |label: &String| label == DEFAULT_LABEL || defined.contains_key(label);
    match labels.iter().find(|label| !is_defined(label)) {
        None => Ok(()),
        Some(label) => Err(RuntimeConfigError::Undefined {
            component: component.id.clone(),
            list,
            label: label.clone(),
            table,
        }),
    }
}

fn check_keys(root: &Table<'_>) -> Result<(), Diagnostics> {
    let used = UNSUPPORTED.iter().filter_map(|key| root.get(key));
    collect_all::<(), ()>(used.map(|entry| Err(unsupported(&entry))))?;
    root.only(&[
        "config_provider",
        "key_value_store",
        "log_dir",
        "max_instance_memory",
        "outbound_networking",
        "sqlite_database",
        "state_dir",
        "variables_provider",
    ])
}

/// Reads the files under `[<key>.<label>]`, by label.
fn stores(
    root: &Table<'_>,
    key: &str,
    base: &Path,
) -> Result<BTreeMap<String, PathBuf>, Diagnostics> {
    let kind = match key {
        "sqlite_database" => "SQLite database",
        _ => "key-value store",
    };
    let store = |entry: Entry<'_>| {
        let table = entry.table()?.owned_by(format!("{kind} `{}`", entry.key));
        Ok((entry.key.to_owned(), base.join(store_path(&table)?)))
    };
    collect_all(root.map(key)?.into_iter().map(store))
}

fn store_path<'a>(store: &Table<'a>) -> Result<&'a str, Diagnostics> {
    let kind = store.require("type")?;
    if kind.string()? != "spin" {
        return Err(kind.fault(format!(
            "`type` `{}` is not supported by spin-local, which keeps state in files (`spin`)",
            kind.string()?
        )));
    }
    store.only(&["allow_attach_file", "path", "type"])?;
    if let Some(attach) = store.get("allow_attach_file")
        && attach.boolean()?
    {
        return Err(unsupported(&attach));
    }
    match store.get("path") {
        Some(path) => path.string(),
        None => {
            Err(store.fault("`path` is missing, and spin-local does not support state in memory"))
        }
    }
}

fn folder(root: &Table<'_>, key: &str, base: &Path) -> Result<Option<PathBuf>, Diagnostics> {
    let Some(entry) = root.get(key) else {
        return Ok(None);
    };
    match entry.string()? {
        "" => Err(entry.fault(format!(
            "an empty `{key}`, which means none in Spin, is not supported by spin-local"
        ))),
        path => Ok(Some(base.join(path))),
    }
}

fn memory(root: &Table<'_>) -> Result<Option<usize>, Diagnostics> {
    let Some(entry) = root.get("max_instance_memory") else {
        return Ok(None);
    };
    let bytes = entry.integer()?;
    let bytes = usize::try_from(bytes)
        .map_err(|_| entry.fault(format!("`{}` cannot be `{bytes}` bytes", entry.path)))?;
    Ok(Some(bytes))
}
