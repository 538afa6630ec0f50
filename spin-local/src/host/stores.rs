//! The files of stores and databases: Spin's default files in the state folder, or those of the
//! runtime configuration.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use super::{key_value, sqlite};
use crate::manifest::{App, Component};
use crate::private_files;
use crate::runtime_config::RuntimeConfig;

const DEFAULT: &str = "default";
const KEY_VALUE_FILE: &str = "sqlite_key_value.db";
const SQLITE_FILE: &str = "sqlite_db.db";

/// The stores and databases of all components of the app.
pub(crate) struct Stores {
    key_value: HashMap<String, key_value::Store>,
    sqlite: HashMap<String, Arc<sqlite::Database>>,
    state_dir: PathBuf,
}

impl Stores {
    /// Opens the stores and databases of the app's components. Components with the same label share
    /// a store.
    ///
    /// # Errors
    ///
    /// A label that is neither `default` nor in the runtime configuration, or a file that
    /// cannot be opened.
    pub(crate) fn open(
        app: &App,
        config: &RuntimeConfig,
        state_dir: &Path,
    ) -> anyhow::Result<Self> {
        config.check(app)?;
        private_files::create_state_dir(state_dir)?;
        let mut stores = Self {
            key_value: HashMap::new(),
            sqlite: HashMap::new(),
            state_dir: state_dir.to_owned(),
        };
        for component in &app.components {
            for label in &component.key_value_stores {
                stores.open_key_value(label, config)?;
            }
            for label in &component.sqlite_databases {
                stores.open_sqlite(label, config)?;
            }
        }
        Ok(stores)
    }

    fn open_key_value(&mut self, label: &str, config: &RuntimeConfig) -> anyhow::Result<()> {
        if self.key_value.contains_key(label) {
            return Ok(());
        }
        let path = self.file(config.key_value.get(label), KEY_VALUE_FILE)?;
        private_files::create_database(&path)?;
        let database = Arc::new(key_value::Database::open(&path)?);
        let store = key_value::Store::new(database, label);
        self.key_value.insert(label.to_owned(), store);
        Ok(())
    }

    fn open_sqlite(&mut self, label: &str, config: &RuntimeConfig) -> anyhow::Result<()> {
        if self.sqlite.contains_key(label) {
            return Ok(());
        }
        let path = self.file(config.sqlite.get(label), SQLITE_FILE)?;
        private_files::create_database(&path)?;
        let database = Arc::new(sqlite::Database::new(path));
        self.sqlite.insert(label.to_owned(), database);
        Ok(())
    }

    fn file(&self, configured: Option<&PathBuf>, default: &str) -> anyhow::Result<PathBuf> {
        let Some(path) = configured else {
            return Ok(self.state_dir.join(default));
        };
        if let Some(parent) = path.parent() {
            private_files::create_dir(parent)?;
        }
        Ok(path.clone())
    }

    pub(super) fn key_value_of(&self, component: &Component) -> HashMap<String, key_value::Store> {
        granted(&component.key_value_stores, &self.key_value)
    }

    pub(super) fn sqlite_of(
        &self,
        component: &Component,
    ) -> HashMap<String, Arc<sqlite::Database>> {
        granted(&component.sqlite_databases, &self.sqlite)
    }

    /// Sets a value in the default key-value store, for an argument of `--key-value`.
    ///
    /// # Errors
    ///
    /// No component has that store, or the value cannot be written.
    pub(crate) fn set_key_value(&self, key: &str, value: &str) -> anyhow::Result<()> {
        let store = self
            .key_value
            .get(DEFAULT)
            .context("`--key-value` needs a component with the key-value store `default`")?;
        store
            .set(key, value.as_bytes())
            .with_context(|| format!("cannot set the key `{key}`"))
    }

    /// Runs the statements of a file on a database, for an argument of `--sqlite`.
    ///
    /// # Errors
    ///
    /// No component has that database, or a statement fails.
    pub(crate) fn execute_sqlite(&self, label: &str, statements: &str) -> anyhow::Result<()> {
        self.database(label)?.execute_batch(statements)
    }

    /// Runs one statement on the default database, for an argument of `--sqlite`.
    ///
    /// # Errors
    ///
    /// No component has that database, there are several statements, or the statement fails.
    pub(crate) fn execute_one_sqlite(&self, statement: &str) -> anyhow::Result<()> {
        self.database(DEFAULT)?.execute_one(statement)
    }

    fn database(&self, label: &str) -> anyhow::Result<&Arc<sqlite::Database>> {
        self.sqlite.get(label).with_context(|| {
            format!("`--sqlite` needs a component with the SQLite database `{label}`")
        })
    }

    /// Returns the files of the default key-value store and the default SQLite database, each if a
    /// component has it.
    pub(crate) fn default_files(&self) -> (Option<PathBuf>, Option<PathBuf>) {
        let key_value = self.key_value.get(DEFAULT).map(key_value::Store::path);
        let sqlite = self.sqlite.get(DEFAULT).map(|database| database.path());
        (key_value.map(Into::into), sqlite.map(Into::into))
    }
}

fn granted<T: Clone>(labels: &[String], all: &HashMap<String, T>) -> HashMap<String, T> {
    let granted = labels.iter().filter_map(|label| all.get_key_value(label));
    granted
        .map(|(label, store)| (label.clone(), store.clone()))
        .collect()
}
