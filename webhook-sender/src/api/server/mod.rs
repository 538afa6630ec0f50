//! The connections of the API.
//!
//! No client can hold a connection without progress. The head of a request must arrive within
//! [`Limits::client_timeout`]; a body and a response must move at [`Limits::bytes_per_second`] once that time
//! is spent. The number of connections is limited: when all are in use, a new one replaces the one whose
//! client has kept the server waiting longest, among those of the client address with the most
//! connections. A stop waits [`Limits::drain`] for requests in progress, then closes all connections.

mod body;
mod connection;
mod limits;
mod pace;
mod peer;
mod serve;
mod stream;
mod table;

pub use body::Stalled;
pub use limits::Limits;
pub use peer::Peer;
pub use serve::serve;
