//! The HTTP client of deliveries: one request to one receiver, under one deadline.
//!
//! Guarantees:
//!
//! - The deadline covers everything: name resolution, connection, TLS, the request, and the head and
//!   body of the response.
//! - The status decides: it is never discarded for an oddity behind it, or because the response
//!   breaks off.
//! - A request that a receiver may have processed is never sent again. Over HTTP/1.1 that is any
//!   request; over HTTP/2 one that the receiver did not say it left unprocessed.
//! - No connection is made to an address that [`Policy`] refuses. A name is resolved anew for each
//!   connection, each of its addresses is checked, and the connection goes to the very address that
//!   was checked, so DNS rebinding has no effect.
//! - Redirects are not followed.
//! - Of a response's body at most [`MAX_BODY_BYTES`] are read, and as many are kept as the request asks
//!   for.
//! - A connection is used again only if the response before was well-formed and read to its end.
//!
//! A receiver may close a pooled connection just as a request goes out on it. That attempt fails, and
//! the schedule makes another. To make this rare, a pooled connection is checked before it is used,
//! and closed before the receiver is due to close it.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use tokio::time::Instant;
//! use webhook_client::{Client, Policy, Settings, WebhookRequest, check_url};
//!
//! let settings = Settings::default();
//! let url = check_url("https://example.com/hooks", &settings.policy)?;
//! let client = Client::new(settings)?;
//! let response = client
//!     .post(&WebhookRequest {
//!         url: &url,
//!         fairness_key: "acme",
//!         headers: &[("Content-Type", "application/json")],
//!         body: &bytes::Bytes::from_static(b"{}"),
//!         keep_response: 4096,
//!         deadline: Instant::now() + Duration::from_secs(15),
//!     })
//!     .await?;
//! println!("{}", response.status);
//! # Ok(())
//! # }
//! ```

#![cfg_attr(not(test), deny(clippy::disallowed_macros))]

pub mod address;
mod dial;
mod error;
mod headers;
mod http1;
mod http2;
mod origin;
mod pool;
mod post;
mod request;
mod resolve;
mod response;
mod stream;
mod tls;

pub use address::{AddressError, Policy, UrlError, check_url};
pub use error::CallError;
pub use headers::{HeaderError, USER_AGENT, check_header, with_defaults};
pub use pool::MAX_IDLE;
pub use post::{Client, Settings};
pub use request::WebhookRequest;
pub use resolve::{Resolve, SystemResolver};
pub use response::{MAX_BODY_BYTES, MAX_HEAD_BYTES, Response};
pub use tls_trust::{TlsError, certificates, client_config};
