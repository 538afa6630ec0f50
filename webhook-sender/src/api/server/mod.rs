//! The connections of the API.
//!
//! No client can hold anything for as long as it likes. A request's head has to be there within
//! [`Limits::patience`]; a body and a response have to move at [`Limits::bytes_per_second`] once
//! that time is spent. The number of connections is limited: where all are taken, a new one replaces
//! the one whose client has kept the server waiting longest, out of those of the client address that
//! has the most. A stop waits [`Limits::drain`] for requests under way and then closes everything.

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
