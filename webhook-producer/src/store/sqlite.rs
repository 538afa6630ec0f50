//! The registrations in the app's SQLite database; the table is the one of `migrations.sql`.

use super::registrations::{ListedRegistration, Registration, Registrations, StoreError};
use super::rows::{Rows, listed, with_keys};
use crate::key::SigningKey;
use crate::platform::Database;

/// The advice for a table that is missing or unknown.
const REPAIR: &str = "apply `migrations.sql` to the database: `spin up --sqlite @migrations.sql`";

/// The app's database.
pub(super) struct Sqlite<'a, O>(pub &'a O);

impl<O: Database> Sqlite<'_, O> {
    fn run(&self, statement: &str, values: &[&str]) -> Result<Rows, StoreError> {
        self.0.execute(statement, values).map_err(|reason| {
            if reason.contains("no such table") {
                StoreError::Missing(reason)
            } else if reason.contains("no such column") || reason.contains("has no column") {
                StoreError::Structure(reason)
            } else {
                StoreError::Failed(reason)
            }
        })
    }
}

impl<O: Database> Registrations for Sqlite<'_, O> {
    fn repair(&self) -> &'static str {
        REPAIR
    }

    fn check_readable(&self) -> Result<(), StoreError> {
        self.run(
            "SELECT url, event, signing_key, created_at, updated_at FROM webhook_registrations LIMIT 0",
            &[],
        )
        .map(|_| ())
    }

    fn find_key(&self, url: &str) -> Result<Option<SigningKey>, StoreError> {
        let rows = self.run(
            "SELECT signing_key FROM webhook_registrations WHERE url = ?1",
            &[url],
        )?;
        let key = rows.into_iter().flatten().next();
        Ok(key.map(SigningKey::from_text))
    }

    fn save_if_unchanged(
        &self,
        registration: &Registration,
        known_key: Option<&SigningKey>,
    ) -> Result<bool, StoreError> {
        let rows = self.run(
            "INSERT INTO webhook_registrations (url, event, signing_key) VALUES (?1, ?2, ?3) \
             ON CONFLICT (url) DO UPDATE SET event = excluded.event, \
             signing_key = excluded.signing_key, \
             updated_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') \
             WHERE webhook_registrations.signing_key = ?4 RETURNING url",
            &[
                &registration.url,
                &registration.event,
                registration.key.text(),
                // No key is empty, so this matches no row.
                known_key.map_or("", SigningKey::text),
            ],
        )?;
        Ok(!rows.is_empty())
    }

    fn list(&self) -> Result<Vec<ListedRegistration>, StoreError> {
        listed(self.run(
            "SELECT url, event, created_at, updated_at FROM webhook_registrations ORDER BY rowid",
            &[],
        )?)
    }

    fn load_with_keys(&self) -> Result<Vec<Registration>, StoreError> {
        with_keys(self.run(
            "SELECT url, event, signing_key FROM webhook_registrations ORDER BY rowid",
            &[],
        )?)
    }

    fn delete(&self, url: &str) -> Result<usize, StoreError> {
        let statement = "DELETE FROM webhook_registrations WHERE url = ?1 RETURNING url";
        self.run(statement, &[url]).map(|rows| rows.len())
    }

    fn delete_all(&self) -> Result<usize, StoreError> {
        self.run("DELETE FROM webhook_registrations RETURNING url", &[])
            .map(|rows| rows.len())
    }
}
