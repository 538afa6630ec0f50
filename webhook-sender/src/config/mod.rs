//! `sender.toml`, and the declaration of an endpoint, whose form the API shares.
//!
//! Parsing reports all faults of a file at once. Each fault has its line, the full key, the value and
//! the reason, and an unknown key is reported with the nearest known one. Secrets are declared as
//! `env:NAME`, `file:PATH` or the text itself, and never appear in errors.
//!
//! ```
//! use webhook_sender::config::Config;
//!
//! let text = r#"
//! [[tenant]]
//! id = "acme"
//! [[tenant.endpoint]]
//! id = "orders"
//! url = "https://example.com/hooks"
//! evnts = ["order.*"]
//! secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
//! "#;
//! let faults = Config::parse(text, "sender.toml".as_ref()).unwrap_err();
//! assert_eq!(
//!     faults.to_string(),
//!     "sender.toml:4: tenant.acme.endpoint.orders.events: missing\n\
//!      sender.toml:7: tenant.acme.endpoint.orders.evnts: unknown key; did you mean `events`?"
//! );
//! ```

mod api;
mod apply;
mod check;
mod declared;
mod endpoint;
mod file;
mod handshake_retry;
mod handshakes;
mod new_secret;
mod pages;
mod patch;
mod read;
mod reload_check;
mod removal;
mod rules;
mod secret_ref;
mod sections;
mod source;
mod source_kafka;
mod stored;
mod summary;

pub use api::{ApiConfig, ApiKeyConfig};
pub use apply::{Applied, ApplyError, apply};
pub use config_diagnostics::{Diagnostic, InvalidFile};

pub use check::{longest_attempt, outlasts};
pub use endpoint::{EndpointSpec, OVERLAP};
pub use file::{Config, TenantConfig};
pub use handshake_retry::{FailedHandshake, Retried, retry_handshakes};
pub use handshakes::{HandshakeTarget, Handshakes};
pub use new_secret::{new_handshake_key, new_secret};
pub use pages::PagesConfig;
pub use removal::Removal;
pub use rules::Rules;
pub use secret_ref::Token;
pub use sections::{
    DeliveryConfig, LogConfig, LogFormat, MetricsConfig, RetentionConfig, StoreConfig,
};
pub use source::{SourceConfig, SourceKind};
pub use source_kafka::{KafkaConfig, KafkaTls};
