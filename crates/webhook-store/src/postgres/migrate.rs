//! The versioned schema, and its migrations.
//!
//! They run in one transaction under an advisory lock, so that any number of processes may start at
//! once, and none sees a part of a migration.

use postgres_link::{Address, ConnectError, Connector};
use sha2::{Digest, Sha256};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::open_error::OpenError;

/// The migrations of the schema, in order. A released one is never changed; new ones are appended.
const MIGRATIONS: [&str; 5] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
];

/// The table that names the program and the version. It identifies the schema of a store.
const VERSION_TABLE: &str = "
    CREATE TABLE schema_version (
        one         boolean PRIMARY KEY DEFAULT true CHECK (one),
        application text NOT NULL CHECK (application = 'webhook-sender'),
        version     integer NOT NULL CHECK (version > 0)
    )";

/// Another process may migrate tables with much data.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '10min'; SET LOCAL statement_timeout = 0";

/// The version of a schema and that of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaVersion {
    /// The version in the database; 0 if the schema has no tables.
    pub found: usize,
    /// The version that this program needs.
    pub needed: usize,
}

/// Returns the version of the schema, without a change.
///
/// # Errors
///
/// An [`OpenError`], also for a schema of a newer release or of another program.
pub async fn check(address: Address) -> Result<SchemaVersion, OpenError> {
    let connector = Connector::new(address)?;
    let migration = Migration::connect(&connector).await?;
    migration.check_server().await?;
    migration.found().await
}

/// Migrates the schema to the version of this program. Returns the version that it had before.
///
/// # Errors
///
/// An [`OpenError`]; then the schema is unchanged.
pub async fn migrate(address: Address) -> Result<SchemaVersion, OpenError> {
    run(&Connector::new(address)?).await
}

pub(super) async fn run(connector: &Connector) -> Result<SchemaVersion, OpenError> {
    let migration = Migration::connect(connector).await?;
    migration.check_server().await?;
    let found = migration.found().await?;
    if found.found == found.needed {
        return Ok(found);
    }
    migration.apply().await
}

/// A connection for a migration.
struct Migration {
    client: Client,
    address: Address,
}

impl Migration {
    async fn connect(connector: &Connector) -> Result<Self, OpenError> {
        let address = connector.address().clone();
        let (client, connection) = connector.connect().await?;
        // It ends when the client is dropped.
        tokio::spawn(connection);
        Ok(Self { client, address })
    }

    fn failed(&self, error: &tokio_postgres::Error) -> OpenError {
        match error.code() {
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => self.rights(&self.creation()),
            _ => OpenError::sql(&self.address, error),
        }
    }

    fn rights(&self, statement: &str) -> OpenError {
        OpenError::Rights {
            address: Box::new(self.address.clone()),
            user: self.address.user().into(),
            statement: statement.into(),
        }
    }

    /// Returns the statement that lets the user create the tables.
    fn creation(&self) -> String {
        let (schema, user) = (self.address.schema(), self.address.user());
        format!(
            "CREATE SCHEMA IF NOT EXISTS \"{schema}\"; \
             GRANT USAGE, CREATE ON SCHEMA \"{schema}\" TO \"{user}\";"
        )
    }

    /// Returns the statement that lets the user read and write the tables of another user.
    fn usage(&self) -> String {
        let (schema, user) = (self.address.schema(), self.address.user());
        format!(
            "GRANT USAGE ON SCHEMA \"{schema}\" TO \"{user}\"; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \"{schema}\" TO \"{user}\"; \
             GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA \"{schema}\" TO \"{user}\";"
        )
    }

    /// Checks the release and the encoding of the server.
    async fn check_server(&self) -> Result<(), OpenError> {
        let sql = "SELECT current_setting('server_version_num')::int,
            current_setting('server_version'), current_setting('server_encoding')";
        let row = self.client.query_one(sql, &[]).await;
        let row = row.map_err(|error| self.failed(&error))?;
        let (number, found): (i32, String) = (row.get(0), row.get(1));
        ConnectError::check_release(&self.address, number, found)?;
        match row.get::<_, String>(2) {
            utf8 if utf8 == "UTF8" => Ok(()),
            found => Err(OpenError::Encoding {
                address: Box::new(self.address.clone()),
                database: self.address.database().into(),
                found,
            }),
        }
    }

    /// Returns the version of the schema: 0 if it has no tables.
    async fn found(&self) -> Result<SchemaVersion, OpenError> {
        let schema = self.address.schema();
        // `to_regclass` returns NULL without the right to use the schema too, and fails for none.
        let sql = "SELECT
            EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname = $1 AND c.relname = 'schema_version' AND c.relkind = 'r'),
            EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f'))";
        let row = self.client.query_one(sql, &[&schema]).await;
        let row = row.map_err(|error| self.failed(&error))?;
        match (row.get(0), row.get(1)) {
            (false, false) => self.version(0),
            (false, true) => Err(self.foreign()),
            (true, _) => self.stored_version().await,
        }
    }

    fn foreign(&self) -> OpenError {
        OpenError::Foreign {
            schema: self.address.schema().into(),
            address: Box::new(self.address.clone()),
        }
    }

    async fn stored_version(&self) -> Result<SchemaVersion, OpenError> {
        let sql = format!(
            "SELECT version FROM \"{}\".schema_version WHERE application = 'webhook-sender'",
            self.address.schema()
        );
        match self.client.query_opt(&sql, &[]).await {
            Ok(Some(row)) => self.version(row.get(0)),
            Ok(None) => Err(self.foreign()),
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_COLUMN) => Err(self.foreign()),
            Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                Err(self.rights(&self.usage()))
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn version(&self, found: i32) -> Result<SchemaVersion, OpenError> {
        let needed = MIGRATIONS.len();
        match usize::try_from(found) {
            Ok(found) if found <= needed => Ok(SchemaVersion { found, needed }),
            _ => Err(OpenError::Newer {
                address: Box::new(self.address.clone()),
                schema: self.address.schema().into(),
                found,
                known: needed,
            }),
        }
    }

    /// Applies the missing migrations in one transaction. Without a commit, it has no effect.
    async fn apply(&self) -> Result<SchemaVersion, OpenError> {
        let lock = lock_key(self.address.schema());
        let begin = format!("BEGIN; {LOCK_TIMEOUT}; SELECT pg_advisory_xact_lock({lock})");
        self.execute(&begin).await?;
        // Another process may have migrated it while this one waited.
        let version = self.found().await?;
        if version.found == 0 {
            self.create_schema().await?;
        }
        let path = format!("SET LOCAL search_path = \"{}\"", self.address.schema());
        self.execute(&path).await?;
        if version.found == 0 {
            self.execute(VERSION_TABLE).await?;
        }
        for migration in &MIGRATIONS[version.found..] {
            self.execute(migration).await?;
        }
        let number = MIGRATIONS.len();
        let write = format!(
            "INSERT INTO schema_version (application, version) VALUES ('webhook-sender', {number})
             ON CONFLICT (one) DO UPDATE SET version = excluded.version; COMMIT"
        );
        self.execute(&write).await?;
        Ok(version)
    }

    /// Creates the schema if it does not exist. Checks first, because the statement needs the right to
    /// create one even if it exists.
    async fn create_schema(&self) -> Result<(), OpenError> {
        let schema = self.address.schema();
        let sql = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)";
        let row = self.client.query_one(sql, &[&schema]).await;
        if row.map_err(|error| self.failed(&error))?.get(0) {
            return Ok(());
        }
        self.execute(&format!("CREATE SCHEMA \"{schema}\"")).await
    }

    async fn execute(&self, sql: &str) -> Result<(), OpenError> {
        let executed = self.client.batch_execute(sql).await;
        executed.map_err(|error| self.failed(&error))
    }
}

/// Returns the number of the advisory lock on a schema, which differs from those of other programs.
fn lock_key(schema: &str) -> i64 {
    let digest = Sha256::digest(format!("webhook-sender migration of {schema}"));
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(bytes)
}
