//! The registrations in PostgreSQL; the table is the one of `migrations.postgres.sql`.
//!
//! Every operation is one statement, which PostgreSQL runs as one transaction. A transaction of several
//! statements could be left open on a pooled connection when the runtime ends a request.
//!
//! Every statement returns at least one row: Spin 4 never returns from a query without rows. What is not
//! there is the empty text, which is no URL and no key.

use super::registrations::{ListedRegistration, Registration, Registrations, StoreError};
use super::rows::{Rows, listed, with_keys};
use crate::key::SigningKey;
use crate::platform;

/// The advice for a table that is missing or unknown.
const REPAIR: &str = "apply `migrations.postgres.sql` to the database: \
                      `psql -f migrations.postgres.sql`";

/// The codes of PostgreSQL for a missing table and a missing column (SQLSTATE). Hosts include them in
/// their message, whose words depend on the server's language.
const UNDEFINED_TABLE: &str = "42P01";
const UNDEFINED_COLUMN: &str = "42703";

/// A database of a server.
pub(super) struct Postgres<'a, O> {
    pub platform: &'a O,
    pub address: String,
}

impl<O: platform::Postgres> Postgres<'_, O> {
    /// Runs a statement, and returns its rows without the one that stands for no rows.
    fn run(&self, statement: &str, values: &[&str]) -> Result<Rows, StoreError> {
        let rows = self.platform.query(&self.address, statement, values);
        let rows = rows.map_err(|reason| {
            if reason.contains(UNDEFINED_TABLE) {
                StoreError::Missing(reason)
            } else if reason.contains(UNDEFINED_COLUMN) {
                StoreError::Structure(reason)
            } else {
                StoreError::Failed(reason)
            }
        })?;
        let is_there = |row: &Vec<String>| row.first().is_some_and(|value| !value.is_empty());
        Ok(rows.into_iter().filter(is_there).collect())
    }

    /// Runs a statement that returns a number.
    fn count(&self, statement: &str, values: &[&str]) -> Result<usize, StoreError> {
        let number = self.run(statement, values)?.into_iter().flatten().next();
        let number = number.and_then(|number| number.parse().ok());
        number.ok_or_else(|| StoreError::Failed("the result is not a number".to_owned()))
    }
}

impl<O: platform::Postgres> Registrations for Postgres<'_, O> {
    fn repair(&self) -> &'static str {
        REPAIR
    }

    fn check_readable(&self) -> Result<(), StoreError> {
        self.count(
            "SELECT count(*)::text FROM \
             (SELECT url, position, event, signing_key, created_at, updated_at \
             FROM webhook_registrations LIMIT 0) AS columns",
            &[],
        )
        .map(drop)
    }

    fn find_key(&self, url: &str) -> Result<Option<SigningKey>, StoreError> {
        let statement =
            "SELECT coalesce(max(signing_key), '') FROM webhook_registrations WHERE url = $1";
        let rows = self.run(statement, &[url])?;
        let key = rows.into_iter().flatten().next();
        Ok(key.map(SigningKey::from_text))
    }

    fn save_if_unchanged(
        &self,
        registration: &Registration,
        known_key: Option<&SigningKey>,
    ) -> Result<bool, StoreError> {
        // A concurrent registration is waited for, and the condition is then tested on its row.
        let saved = self.count(
            "WITH saved AS (\
             INSERT INTO webhook_registrations AS known (url, event, signing_key) \
             VALUES ($1, $2, $3) \
             ON CONFLICT (url) DO UPDATE SET event = excluded.event, \
             signing_key = excluded.signing_key, updated_at = now() \
             WHERE known.signing_key = $4 RETURNING url) \
             SELECT count(*)::text FROM saved",
            &[
                &registration.url,
                &registration.event,
                registration.key.text(),
                // No key is empty, so this matches no row.
                known_key.map_or("", SigningKey::text),
            ],
        )?;
        Ok(saved > 0)
    }

    fn list(&self) -> Result<Vec<ListedRegistration>, StoreError> {
        listed(self.run(
            "SELECT coalesce(url, ''), coalesce(event, ''), coalesce(\
             to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), ''), coalesce(\
             to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '') \
             FROM (VALUES (1)) AS one LEFT JOIN webhook_registrations ON true ORDER BY position",
            &[],
        )?)
    }

    fn load_with_keys(&self) -> Result<Vec<Registration>, StoreError> {
        with_keys(self.run(
            "SELECT coalesce(url, ''), coalesce(event, ''), coalesce(signing_key, '') \
             FROM (VALUES (1)) AS one LEFT JOIN webhook_registrations ON true ORDER BY position",
            &[],
        )?)
    }

    fn delete(&self, url: &str) -> Result<usize, StoreError> {
        self.count(
            "WITH deleted AS (\
             DELETE FROM webhook_registrations WHERE url = $1 RETURNING url) \
             SELECT count(*)::text FROM deleted",
            &[url],
        )
    }

    fn delete_all(&self) -> Result<usize, StoreError> {
        self.count(
            "WITH deleted AS (DELETE FROM webhook_registrations RETURNING url) \
             SELECT count(*)::text FROM deleted",
            &[],
        )
    }
}
