//! A `tower` layer that verifies the signatures of webhooks.
//!
//! It reads the body up to a limit, verifies the request as [`verify`](crate::verify()) does, and
//! passes the exact bytes to the handler, with a [`Verified`] among the request's extensions. A
//! rejected request never reaches the handler; the response is a problem document (RFC 9457).
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
//!     .layer(VerifyLayer::new(credentials).deduplicate(MemoryIds::new(100_000)));
//! axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! | case | response | code |
//! |---|---|---|
//! | a [`Refusal`](crate::Refusal) | 400 | that of the refusal |
//! | an incomplete body | 400 | `body-broken-off` |
//! | a body beyond the limit | 413 | `body-too-long` |
//! | an id that is being processed | 409, `Retry-After` | `in-progress` |
//! | an id that was processed | 200, no body | |
//! | an unavailable deduplication store | 503, `Retry-After` | `unavailable` |
//!
//! # Deduplication
//!
//! A sender that receives no response sends an event again, with the same id. A layer that
//! [deduplicates](VerifyLayer::deduplicate) claims the id in its store before it calls the handler.
//! The store grants an id to one request at a time: a concurrent one is asked to retry later, when
//! the outcome of the first is known. The id is done once the handler has responded with a 2xx and
//! the response body has ended. After a failure (another status, an error, an incomplete body, a
//! panic, a client that disconnects) the id is released, and the next attempt is processed. So an
//! event is processed *at least once*: if the process dies between the handler's work and its
//! recording, the work is done again. Only `standard` signs an id. Requests of other schemes are
//! verified but not deduplicated, which is why they are rejected unless [`VerifyLayer::weakest`]
//! allows them.
//!
//! # Out of scope
//!
//! The layer has no time limit: put one around it if clients may be slow. A layer that changes
//! bodies, such as one that decompresses, belongs inside it.

mod body;
mod claim;
mod clock;
mod dedup;
mod early_response;
mod layer;
mod memory;
mod policy;
#[cfg(feature = "redis")]
mod redis;
mod service;
mod verified;

pub use body::TrackedBody;
pub use dedup::{BoxFuture, Claim, DedupStore, RETENTION, StoreError, Ticket};
pub use layer::{MAX_BODY_BYTES, VerifyLayer};
pub use memory::MemoryIds;
#[cfg(feature = "redis")]
pub use redis::RedisIds;
pub use service::{ResponseBody, VerifyService};
pub use verified::Verified;
