//! `webhook-sender` behind the producer, where one is: events go to the stream it reads, and
//! registrations are its endpoints.
//!
//! | variable | what it says |
//! |---|---|
//! | `stream_url` | the Redis server whose stream takes the events; empty: the producer calls itself |
//! | `stream_name` | the stream |
//! | `sender_url` | the sender's API, which is told of registrations; empty: it is not |
//! | `sender_token` | the API's bearer token |
//! | `tenant` | the sender's tenant that all this belongs to |

mod mirror;
mod queue;
mod tenant;

pub use mirror::Mirror;
pub use queue::Queue;
