//! A `tower` layer that lets nothing through but webhooks whose signature is right.
//!
//! It reads the body up to a bound, verifies it as [`verify`](crate::verify()) does, and hands the
//! handler the exact bytes together with a [`Verified`] among the request's extensions. What it
//! refuses never reaches the handler and is answered with a problem document (RFC 9457).
//!
//! ```no_run
//! use axum::{Extension, Router, body::Bytes, routing::post};
//! use webhook_signature::Credential;
//! use webhook_signature::tower::{MemoryIds, Verified, VerifyLayer};
//!
//! async fn hook(Extension(webhook): Extension<Verified>, body: Bytes) {
//!     println!("{:?}: {} bytes", webhook.id, body.len());
//! }
//!
//! # async fn run(secret: String) -> Result<(), Box<dyn std::error::Error>> {
//! let credentials = [Credential::parse(secret)?];
//! let app = Router::new()
//!     .route("/hook", post(hook))
//!     .layer(VerifyLayer::new(credentials).remember(MemoryIds::new(100_000)));
//! axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! | what | answer | code |
//! |---|---|---|
//! | a [`Refusal`](crate::Refusal) | 400 | that of the refusal |
//! | a body that breaks off | 400 | `body-broken-off` |
//! | a body beyond the bound | 413 | `body-too-long` |
//! | an id that is being processed | 409, `Retry-After` | `in-progress` |
//! | an id that was processed | 200, no body | |
//! | a store of ids that cannot be asked | 503, `Retry-After` | `unavailable` |
//!
//! # Seen ids
//!
//! A sender that hears nothing sends an event again, with the same id. A layer that
//! [remembers](VerifyLayer::remember) ids asks its store before the handler is called. The store
//! grants an id to one request at a time: another one that comes meanwhile is told to come again
//! later, and learns then what became of the first. The id is done once the handler has answered
//! with a 2xx, to the end of its body; where it fails (another status, an error, a body that breaks
//! off, a panic, a client that hangs up) the id is forgotten, and the sender's next attempt is processed. So an event is processed *at least once*:
//! a process that dies between the handler's work and the record of it leaves no trace of the work.
//! Only `standard` signs an id. Requests of other schemes are verified and not remembered, which is
//! why they are refused unless [`VerifyLayer::weakest`] lets them in.
//!
//! # What it leaves to others
//!
//! A receiver that reads slow clients without end needs a time limit around the layer. A layer that
//! changes bodies, such as one that decompresses, belongs inside it.

mod answer;
mod body;
mod claim;
mod clock;
mod layer;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod seen;
mod service;
mod verified;

pub use body::AnswerBody;
pub use layer::{MAX_BODY_BYTES, VerifyLayer};
pub use memory::MemoryIds;
#[cfg(feature = "redis")]
pub use redis::RedisIds;
pub use seen::{BoxFuture, Claim, RETENTION, SeenIds, StoreError, Ticket};
pub use service::{ResponseBody, VerifyService};
pub use verified::Verified;
