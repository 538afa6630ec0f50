//! One request to one receiver: which addresses it may go to, and how it fares on the wire.

mod connect;
mod connections;
mod http2;
mod http2_odd;
mod policy;
mod rebinding;
mod spellings;
