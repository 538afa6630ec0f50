//! The registrations, in the store that the variable `store_url` selects.
//!
//! | `store_url` | store | where |
//! |---|---|---|
//! | empty | the app's SQLite database `default` | `sqlite` |
//! | `postgres://…` | PostgreSQL | `postgres` |
//! | `redis://…`, `rediss://…` | Redis | `redis` |
//!
//! Each implements [`Registrations`]. Every operation is one statement or one script, so that it takes
//! effect as a whole or not at all, and concurrent ones cannot interleave.

mod postgres;
mod redis;
mod registrations;
mod rows;
mod sqlite;
mod store_url;

use problem_details::Problem;

pub use registrations::{ListedRegistration, Registration, Registrations, StoreError};
pub use store_url::StoreUrl;

use crate::key::SigningKey;
use crate::platform::{Clock, Database, Log, Postgres, Redis, Variables};
use crate::problems;

/// The capabilities of the platform that the stores need.
pub trait Storage: Database + Postgres + Redis + Variables + Clock + Log {}

impl<T: Database + Postgres + Redis + Variables + Clock + Log> Storage for T {}

/// The selected store. If it fails, every function logs the reason and returns a 503 of
/// [`problems`].
pub struct Store<'a, O> {
    registrations: Box<dyn Registrations + 'a>,
    log: &'a O,
}

impl<'a, O: Storage> Store<'a, O> {
    /// Selects the store. Nothing is opened yet.
    ///
    /// # Errors
    ///
    /// Returns 500 if the variable `store_url` is invalid.
    pub fn select(platform: &'a O) -> Result<Self, Problem> {
        let registrations: Box<dyn Registrations + 'a> = match StoreUrl::load(platform)? {
            StoreUrl::Local => Box::new(sqlite::Sqlite(platform)),
            StoreUrl::Postgres(address) => Box::new(postgres::Postgres { platform, address }),
            StoreUrl::Redis(address) => Box::new(redis::Redis { platform, address }),
        };
        Ok(Self {
            registrations,
            log: platform,
        })
    }

    /// Checks that registrations can be read.
    pub fn check_readable(&self) -> Result<(), Problem> {
        self.explain(self.registrations.check_readable())
    }

    /// Returns the current key of `url`, if it is registered.
    pub fn find_key(&self, url: &str) -> Result<Option<SigningKey>, Problem> {
        self.explain(self.registrations.find_key(url))
    }

    /// Stores a registration: see [`Registrations::save_if_unchanged`].
    pub fn save_if_unchanged(
        &self,
        registration: &Registration,
        known_key: Option<&SigningKey>,
    ) -> Result<bool, Problem> {
        let saved = self
            .registrations
            .save_if_unchanged(registration, known_key);
        self.explain(saved)
    }

    /// Returns every registration without its key, the oldest first.
    pub fn list(&self) -> Result<Vec<ListedRegistration>, Problem> {
        self.explain(self.registrations.list())
    }

    /// Returns every registration with its key, the oldest first.
    pub fn load_with_keys(&self) -> Result<Vec<Registration>, Problem> {
        self.explain(self.registrations.load_with_keys())
    }

    /// Deletes one registration and returns the number of deleted ones: 1 or 0.
    pub fn delete(&self, url: &str) -> Result<usize, Problem> {
        self.explain(self.registrations.delete(url))
    }

    /// Deletes every registration and returns their number.
    pub fn delete_all(&self) -> Result<usize, Problem> {
        self.explain(self.registrations.delete_all())
    }

    fn explain<T>(&self, result: Result<T, StoreError>) -> Result<T, Problem> {
        result.map_err(|error| {
            let repair = self.registrations.repair();
            let (hint, problem) = match &error {
                StoreError::Missing(_) => (repair, problems::store_without_table(repair)),
                StoreError::Structure(_) => (repair, problems::store_structure(repair)),
                StoreError::Failed(_) => ("", problems::store_unavailable()),
            };
            let separator = if hint.is_empty() { "" } else { "; " };
            let line = format!("PRODUCER: The database failed: {error}{separator}{hint}");
            self.log.log(&line);
            problem
        })
    }
}
