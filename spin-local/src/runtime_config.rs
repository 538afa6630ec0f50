//! The runtime configuration: where the state of an app is kept, and what its host allows.
//!
//! [`RuntimeConfig::load`] reads the file that `--runtime-config-file` names. Of what Spin reads
//! there, these are supported: `[sqlite_database.<label>]` and `[key_value_store.<label>]` of
//! `type = "spin"` with a `path`, `[outbound_networking] block_networks`, `[[variables_provider]]`
//! of the types `static` and `env`, `state_dir`, `log_dir` and `max_instance_memory`. Everything
//! else is refused with file, line and name.
//!
//! ```
//! use spin_local::RuntimeConfig;
//!
//! let text = r#"
//! [key_value_store.cache]
//! type = "redis"
//! url = "redis://localhost"
//! "#;
//! let refused = RuntimeConfig::from_text(text, "runtime.toml".as_ref(), "/srv".as_ref());
//! assert_eq!(
//!     refused.err().unwrap().to_string(),
//!     "runtime.toml:3: key-value store `cache`: `type` `redis` is not supported by spin-local, \
//!      which keeps state in files: `spin`"
//! );
//! ```

mod blocked_networks;
mod providers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use blocked_networks::BlockedNetworks;

use crate::manifest::{App, Component};
use crate::toml_text::{self, Entry, Fault, Table};
use crate::variables::Provider;

/// The label that a store or a database has without any runtime configuration.
const DEFAULT_LABEL: &str = "default";

/// What Spin reads from a runtime configuration and `spin-local` does not.
const UNSUPPORTED: [&str; 7] = [
    "client_tls",
    "llm_compute",
    "outbound_http",
    "outbound_mqtt",
    "outbound_mysql",
    "outbound_pg",
    "outbound_redis",
];

/// What the host of an app decides. The default is what holds without a file.
#[derive(Clone, Default)]
pub struct RuntimeConfig {
    /// The files of SQLite databases by label. `default` is in the state folder where it is not
    /// here.
    pub sqlite: BTreeMap<String, PathBuf>,
    /// The files of key-value stores by label. `default` is in the state folder where it is not
    /// here.
    pub key_value: BTreeMap<String, PathBuf>,
    /// Addresses that no component may connect to, whatever its manifest says.
    pub blocked: BlockedNetworks,
    /// Where variables get their values from, after the command line and before the environment.
    pub providers: Vec<Provider>,
    /// The state folder, where the command line names none.
    pub state_dir: Option<PathBuf>,
    /// The folder for logs, where the command line names none.
    pub log_dir: Option<PathBuf>,
    /// The most memory an instance may have, in bytes.
    pub max_instance_memory: Option<usize>,
}

/// Why a runtime configuration was refused, or does not go with an app.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeConfigError {
    #[error("`{}` cannot be read: {cause}", path.display())]
    Read {
        path: PathBuf,
        cause: std::io::Error,
    },
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error(
        "component `{component}`: `{list}` has `{label}`, which no runtime configuration file \
         defines as `[{table}.{label}]`"
    )]
    Undefined {
        component: String,
        list: &'static str,
        label: String,
        table: &'static str,
    },
}

impl RuntimeConfig {
    /// Reads the file at `path`.
    pub fn load(path: &Path) -> Result<Self, RuntimeConfigError> {
        let unreadable = |cause| RuntimeConfigError::Read {
            path: path.to_owned(),
            cause,
        };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let working_dir = std::env::current_dir().map_err(unreadable)?;
        Self::from_text(&text, path, &working_dir)
    }

    /// Reads a text as if it were the file `path`, seen from `working_dir`.
    ///
    /// As in Spin, a relative path of a key-value store starts at the folder of the file, and
    /// every other relative path at the working directory.
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
        let config = toml_text::read(&file, text, |root| {
            refuse_strangers(root)?;
            Ok(Self {
                sqlite: stores(root, "sqlite_database", working_dir)?,
                key_value: stores(root, "key_value_store", &beside_file)?,
                blocked: blocked_networks::read(root)?,
                providers: providers::read(root)?,
                state_dir: folder(root, "state_dir", working_dir)?,
                log_dir: folder(root, "log_dir", working_dir)?,
                max_instance_memory: memory(root)?,
            })
        })?;
        Ok(config)
    }

    /// Whether every store and database that `app` may open is there: `default` always is, any
    /// other label must be in the file.
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

fn refuse_strangers(root: &Table<'_>) -> Result<(), Fault> {
    if let Some(entry) = UNSUPPORTED.iter().find_map(|key| root.get(key)) {
        return Err(entry.unsupported());
    }
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

/// The files under `[<key>.<label>]`, by label.
fn stores(root: &Table<'_>, key: &str, base: &Path) -> Result<BTreeMap<String, PathBuf>, Fault> {
    let what = match key {
        "sqlite_database" => "SQLite database",
        _ => "key-value store",
    };
    let store = |entry: Entry<'_>| {
        let table = entry.table()?.of(format!("{what} `{}`", entry.key));
        Ok((entry.key.to_owned(), base.join(store_path(&table)?)))
    };
    root.map(key)?.into_iter().map(store).collect()
}

fn store_path<'a>(store: &Table<'a>) -> Result<&'a str, Fault> {
    let kind = store.require("type")?;
    if kind.string()? != "spin" {
        return Err(kind.fault(format!(
            "`type` `{}` is not supported by spin-local, which keeps state in files: `spin`",
            kind.string()?
        )));
    }
    store.only(&["allow_attach_file", "path", "type"])?;
    if let Some(attach) = store.get("allow_attach_file")
        && attach.boolean()?
    {
        return Err(attach.unsupported());
    }
    match store.get("path") {
        Some(path) => path.string(),
        None => {
            Err(store.fault("`path` is missing; state in memory is not supported by spin-local"))
        }
    }
}

fn folder(root: &Table<'_>, key: &str, base: &Path) -> Result<Option<PathBuf>, Fault> {
    let Some(entry) = root.get(key) else {
        return Ok(None);
    };
    match entry.string()? {
        "" => Err(entry.fault(format!(
            "an empty `{key}`, which in Spin means none, is not supported by spin-local"
        ))),
        path => Ok(Some(base.join(path))),
    }
}

fn memory(root: &Table<'_>) -> Result<Option<usize>, Fault> {
    let Some(entry) = root.get("max_instance_memory") else {
        return Ok(None);
    };
    let bytes = entry.integer()?;
    let bytes = usize::try_from(bytes)
        .map_err(|_| entry.fault(format!("`{}` cannot be `{bytes}` bytes", entry.path)))?;
    Ok(Some(bytes))
}
