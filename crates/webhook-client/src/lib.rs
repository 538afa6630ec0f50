//! One request to one receiver, under one deadline.
//!
//! What it promises:
//!
//! - The deadline covers everything: the name, the connection, TLS, the request, the answer's head
//!   and its body.
//! - The status decides: it is never discarded for an oddity behind it, or because the response
//!   breaks off.
//! - A request that a receiver may have processed is never sent again. Over HTTP/1.1 that is any
//!   request; over HTTP/2 one that the receiver did not say it left unprocessed.
//! - No connection is made to an address that [`Policy`] refuses. A name is resolved anew for each
//!   connection, each address of the answer is judged, and the connection goes to the very address
//!   that was judged, so a name that changes its mind in between gains nothing.
//! - Redirects are not followed.
//! - Of an answer's body at most [`MAX_BODY_BYTES`] are read and [`MAX_RESPONSE_BYTES`] are kept.
//! - A connection is used again only if the response before was well-formed and read to its end.
//!
//! A kept connection may be closed by the receiver just as a request goes out on it. That attempt
//! fails, and the schedule makes another. To make it rare, a kept connection is looked at before it
//! is used, and closed before the receiver is due to close it.
//!
//! [`MAX_RESPONSE_BYTES`]: webhook_model::MAX_RESPONSE_BYTES
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use tokio::time::Instant;
//! use webhook_client::{Client, Policy, Post, Settings, check_url};
//!
//! let settings = Settings::default();
//! let url = check_url("https://example.com/hooks", &settings.policy)?;
//! let client = Client::new(settings)?;
//! let answer = client
//!     .post(&Post {
//!         url: &url,
//!         share: "acme",
//!         headers: &[("Content-Type", "application/json")],
//!         body: &bytes::Bytes::from_static(b"{}"),
//!         deadline: Instant::now() + Duration::from_secs(15),
//!     })
//!     .await?;
//! println!("{}", answer.status);
//! # Ok(())
//! # }
//! ```

pub mod address;
mod answer;
mod dial;
mod error;
mod headers;
mod http1;
mod http2;
mod origin;
mod pool;
mod post;
mod resolve;
mod stream;
mod tls;

pub use address::{AddressError, Policy, UrlError, check_url};
pub use answer::{Answer, MAX_BODY_BYTES, MAX_HEAD_BYTES};
pub use error::CallError;
pub use headers::{HeaderError, check_header, with_defaults};
pub use pool::MAX_IDLE;
pub use post::{Client, Post, Settings, USER_AGENT};
pub use resolve::{Resolve, SystemResolver};
pub use tls_trust::{TlsError, certificates, client_config};
