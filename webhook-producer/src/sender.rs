//! The optional `webhook-sender` behind the producer: events go to the stream that it reads, and
//! registrations become its endpoints.
//!
//! | variable | meaning |
//! |---|---|
//! | `stream_url` | the Redis server of the stream; empty: the producer calls consumers itself |
//! | `stream_name` | the stream |
//! | `sender_url` | the sender's API, which receives the registrations; empty: it does not |
//! | `sender_token` | the API's bearer token |
//! | `tenant` | the sender's tenant for events and endpoints |

mod api;
mod queue;
mod tenant;

pub use api::SenderApi;
pub use queue::Queue;
