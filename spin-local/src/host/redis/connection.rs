//! A connection of a guest to a Redis server.

use std::sync::Arc;

use ::redis::aio::MultiplexedConnection;

use super::connect::Driver;
use crate::host::meter::Meter;

/// A connection of a guest.
#[derive(Clone)]
pub struct Connection {
    pub(super) client: MultiplexedConnection,
    pub(super) meter: Meter,
    pub(super) _driver: Arc<Driver>,
}
