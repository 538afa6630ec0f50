//! The registrations in the database. All SQL statements of the producer are here; the table is the
//! one of `migrations.sql`.

use problem_details::Problem;

use crate::key::SigningKey;
use crate::platform::{Database, Log};
use crate::problems;

/// A consumer in the table. It has no `Debug`, because it contains a key.
#[derive(Clone)]
pub struct Registration {
    /// The normalised URL, the table's key.
    pub url: String,
    /// The pattern of the events that it receives.
    pub event: String,
    pub key: SigningKey,
}

/// A consumer without its key, and its times.
#[derive(Debug, PartialEq, Eq)]
pub struct ListedRegistration {
    pub url: String,
    pub event: String,
    /// UTC, RFC 3339.
    pub created_at: String,
    /// UTC, RFC 3339.
    pub updated_at: String,
}

/// The registrations in a database. If the database fails, every function logs the reason and returns
/// a 503 of [`problems`].
pub struct Store<'a, O>(&'a O);

impl<'a, O: Database + Log> Store<'a, O> {
    pub fn new(platform: &'a O) -> Self {
        Self(platform)
    }

    /// Checks that the table can be read and has all columns.
    pub fn check_readable(&self) -> Result<(), Problem> {
        self.run(
            "SELECT url, event, signing_key, created_at, updated_at FROM webhook_registrations LIMIT 0",
            &[],
        )
        .map(|_| ())
    }

    /// Returns the current key of `url`, if it is registered.
    pub fn find_key(&self, url: &str) -> Result<Option<SigningKey>, Problem> {
        let rows = self.run(
            "SELECT signing_key FROM webhook_registrations WHERE url = ?1",
            &[url],
        )?;
        let key = rows.into_iter().flatten().next();
        Ok(key.map(SigningKey::from_text))
    }

    /// Stores a registration whose handshake succeeded, and returns true if it did: not if the row has
    /// changed since `known_key` was read.
    ///
    /// Of two concurrent registrations of one URL, the consumer keeps the key that reached it last,
    /// which the producer cannot know. So the second one to finish is not stored, rather than stored
    /// with a key that may be wrong.
    pub fn save_if_unchanged(
        &self,
        registration: &Registration,
        known_key: Option<&SigningKey>,
    ) -> Result<bool, Problem> {
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

    /// Returns every registration without its key, the oldest first.
    pub fn list(&self) -> Result<Vec<ListedRegistration>, Problem> {
        let rows = self.run(
            "SELECT url, event, created_at, updated_at FROM webhook_registrations ORDER BY rowid",
            &[],
        )?;
        self.each(rows, |[url, event, created_at, updated_at]| {
            ListedRegistration {
                url,
                event,
                created_at,
                updated_at,
            }
        })
    }

    /// Returns every registration with its key, the oldest first.
    pub fn load_with_keys(&self) -> Result<Vec<Registration>, Problem> {
        let rows = self.run(
            "SELECT url, event, signing_key FROM webhook_registrations ORDER BY rowid",
            &[],
        )?;
        self.each(rows, |[url, event, key]| Registration {
            url,
            event,
            key: SigningKey::from_text(key),
        })
    }

    /// Deletes one registration and returns the number of deleted ones: 1 or 0.
    pub fn delete(&self, url: &str) -> Result<usize, Problem> {
        let statement = "DELETE FROM webhook_registrations WHERE url = ?1 RETURNING url";
        self.run(statement, &[url]).map(|rows| rows.len())
    }

    /// Deletes every registration and returns their number.
    pub fn delete_all(&self) -> Result<usize, Problem> {
        self.run("DELETE FROM webhook_registrations RETURNING url", &[])
            .map(|rows| rows.len())
    }

    fn run(&self, statement: &str, values: &[&str]) -> Result<Vec<Vec<String>>, Problem> {
        self.0.execute(statement, values).map_err(|reason| {
            let (hint, problem) = if reason.contains("no such table") {
                ("; apply migrations.sql", problems::store_without_table())
            } else if reason.contains("no such column") || reason.contains("has no column") {
                let hint = "; the table was not created by this version's migrations.sql";
                (hint, problems::store_structure())
            } else {
                ("", problems::store_unavailable())
            };
            self.log_failure(&format!("{reason}{hint}"));
            problem
        })
    }

    fn each<T, const N: usize>(
        &self,
        rows: Vec<Vec<String>>,
        read: impl Fn([String; N]) -> T,
    ) -> Result<Vec<T>, Problem> {
        rows.into_iter()
            .map(|row| {
                row.try_into()
                    .map(&read)
                    .map_err(|_| self.fail("a row has the wrong number of columns"))
            })
            .collect()
    }

    fn fail(&self, reason: &str) -> Problem {
        self.log_failure(reason);
        problems::store_unavailable()
    }

    fn log_failure(&self, reason: &str) {
        let line = format!("PRODUCER: The database failed: {reason}");
        self.0.log(&line);
    }
}
