//! A connection of a guest to a PostgreSQL server.

use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::host::meter::Meter;

/// The task that reads and writes a connection. Dropping this ends it, and the server ends the
/// session: a transaction that is open is rolled back.
pub(super) struct Driver(pub(super) JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A connection of a guest.
#[derive(Clone)]
pub struct Connection {
    pub(super) client: Arc<Client>,
    pub(super) meter: Meter,
    pub(super) _driver: Arc<Driver>,
}

/// A connection that a guest is setting up.
#[derive(Clone)]
pub struct Builder {
    pub(super) address: String,
    /// Certificate authorities to trust, in PEM.
    pub(super) ca_root: Option<String>,
}
