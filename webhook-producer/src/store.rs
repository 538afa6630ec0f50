//! The registrations in the database. Every statement the producer runs stands here; the table is
//! the one of `migrations.sql`.

use problem_details::Problem;

use crate::key::SigningKey;
use crate::outside::{Database, Log};
use crate::problems;

/// A consumer as the table holds it. There is no `Debug`: it holds a key.
#[derive(Clone)]
pub struct Registration {
    /// The normalised URL, the table's key.
    pub url: String,
    /// The pattern of the events it wants.
    pub event: String,
    pub key: SigningKey,
}

/// A consumer without its key, and since when.
#[derive(Debug, PartialEq, Eq)]
pub struct ListedRegistration {
    pub url: String,
    pub event: String,
    /// UTC, RFC 3339.
    pub created_at: String,
    /// UTC, RFC 3339.
    pub updated_at: String,
}

/// The registrations behind a database. Every function fails with a 503 of [`problems`] when
/// the database does, and logs why.
pub struct Store<'a, O>(&'a O);

impl<'a, O: Database + Log> Store<'a, O> {
    pub fn new(outside: &'a O) -> Self {
        Self(outside)
    }

    /// Fails where the table cannot be read, or lacks a column.
    pub fn check_readable(&self) -> Result<(), Problem> {
        self.run(
            "SELECT url, event, signing_key, created_at, updated_at FROM webhook_registrations LIMIT 0",
            &[],
        )
        .map(|_| ())
    }

    /// The key `url` is registered with now, if it is.
    pub fn find_key(&self, url: &str) -> Result<Option<SigningKey>, Problem> {
        let rows = self.run(
            "SELECT signing_key FROM webhook_registrations WHERE url = ?1",
            &[url],
        )?;
        let key = rows.into_iter().flatten().next();
        Ok(key.map(SigningKey::from_text))
    }

    /// Stores a registration whose handshake succeeded, and says whether it did: not if the row
    /// has changed since `known_key` was read.
    ///
    /// Of two registrations of one URL at the same time the consumer keeps the key that reached it
    /// last, and nobody can tell which that was. So the second to end is not stored, rather than
    /// stored with what may be the wrong key.
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

    /// Every registration without its key, the oldest first.
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

    /// Every registration with its key, the oldest first.
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

    /// Removes one registration and says how many that were: 1 or 0.
    pub fn delete(&self, url: &str) -> Result<usize, Problem> {
        let statement = "DELETE FROM webhook_registrations WHERE url = ?1 RETURNING url";
        self.run(statement, &[url]).map(|rows| rows.len())
    }

    /// Removes every registration and says how many that were.
    pub fn delete_all(&self) -> Result<usize, Problem> {
        self.run("DELETE FROM webhook_registrations RETURNING url", &[])
            .map(|rows| rows.len())
    }

    fn run(&self, statement: &str, values: &[&str]) -> Result<Vec<Vec<String>>, Problem> {
        self.0.execute(statement, values).map_err(|reason| {
            let (hint, problem) = if reason.contains("no such table") {
                ("; apply migrations.sql", problems::store_without_table())
            } else if reason.contains("no such column") || reason.contains("has no column") {
                let hint = "; the table is not the one that migrations.sql makes";
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
