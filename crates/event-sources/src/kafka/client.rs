//! The client library: its configuration, its callbacks, and calls that block.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::positions::{Partition, Positions};
use super::settings::{ClientCertificate, Settings, Tls};
use crate::SourceError;

/// The longest wait for a response of a broker.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest wait for a call that blocks: for a response, and for the library to notice that there is
/// none.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// The most events of a client that are handled after a call. Each poll handles one of them, and a log line is
/// an event.
pub(super) const MAX_EVENTS: usize = 1000;

/// The fewest bytes that the library queues.
const MIN_QUEUED_BYTES: usize = 64 << 10;

/// The callbacks of a client.
#[derive(Clone)]
pub(super) struct Callbacks {
    source: Arc<str>,
    positions: Arc<Mutex<Positions>>,
    /// The last failure of a connection. Written by callbacks, read when a call fails.
    failure: Arc<Mutex<Option<String>>>,
}

impl Callbacks {
    pub(super) fn new(source: &str, positions: Arc<Mutex<Positions>>) -> Self {
        Self {
            source: source.into(),
            positions,
            failure: Arc::default(),
        }
    }

    /// Returns an error with the last failure of a connection, which says more.
    pub(super) fn explain(&self, error: SourceError) -> SourceError {
        match lock(&self.failure).take() {
            Some(failure) => SourceError::new(format!("{error}: {}", in_our_keys(&failure))),
            None => error,
        }
    }
}

impl ClientContext for Callbacks {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        // Failures are reported by the calls that fail.
        tracing::debug!(source = %self.source, facility, "{message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(source = %self.source, %error, "{reason}");
        let mut failure = lock(&self.failure);
        // That all brokers are down follows the reason for it.
        if failure.is_none() || error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown)
        {
            *failure = Some(reason.to_owned());
        }
    }
}

impl ConsumerContext for Callbacks {
    fn pre_rebalance(&self, _consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(partitions) = rebalance else {
            return;
        };
        let mut positions = lock(&self.positions);
        for partition in partitions.elements() {
            positions.forget(&Partition {
                topic: partition.topic().into(),
                number: partition.partition(),
            });
        }
    }
}

/// Returns the configuration of the library.
pub(super) fn config(settings: &Settings) -> ClientConfig {
    let Settings {
        address,
        group,
        session_timeout,
        bounds,
        ..
    } = settings;
    let queued = bounds.max_bytes.max(MIN_QUEUED_BYTES);
    let mut config = ClientConfig::new();
    config
        .set("client.id", "webhook-sender")
        .set("bootstrap.servers", address.brokers())
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("allow.auto.create.topics", "false")
        // A member that comes or goes moves only the partitions that must move.
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set(
            "session.timeout.ms",
            session_timeout.as_millis().to_string(),
        )
        .set(
            "heartbeat.interval.ms",
            (session_timeout.as_millis() / 4).to_string(),
        )
        .set(
            "socket.timeout.ms",
            RESPONSE_TIMEOUT.as_millis().to_string(),
        )
        .set("socket.keepalive.enable", "true")
        .set("reconnect.backoff.max.ms", "1000")
        .set("queued.max.messages.kbytes", (queued >> 10).to_string())
        .set("fetch.max.bytes", queued.to_string())
        .set("max.partition.fetch.bytes", queued.to_string());
    secure(settings, &mut config);
    config
}

/// Sets encryption and authentication.
fn secure(settings: &Settings, config: &mut ClientConfig) {
    let protocol = match (&settings.tls, settings.address.user()) {
        (None, None) => "plaintext",
        (None, Some(_)) => "sasl_plaintext",
        (Some(_), None) => "ssl",
        (Some(_), Some(_)) => "sasl_ssl",
    };
    config.set("security.protocol", protocol);
    if let Some((user, password)) = settings.address.user() {
        config
            .set("sasl.mechanisms", settings.sasl.name())
            .set("sasl.username", user)
            .set("sasl.password", password);
    }
    let Some(Tls {
        authorities,
        certificate,
    }) = &settings.tls
    else {
        return;
    };
    let named = authorities.clone().or_else(tls_trust::authorities_file);
    // `probe`: the folders where systems keep them.
    let authorities = named.map_or("probe".into(), |file| file.display().to_string());
    config.set("ssl.ca.location", authorities);
    if let Some(ClientCertificate { certificate, key }) = certificate {
        config
            .set("ssl.certificate.pem", certificate)
            .set("ssl.key.pem", key);
    }
}

/// Runs a call that blocks, in a thread of its own: the end of the process does not wait for it, as it
/// would for a thread of the runtime.
pub(super) async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, SourceError> {
    let (done, result) = oneshot::channel();
    let thread = std::thread::Builder::new().name("kafka".into());
    let started = thread.spawn(move || {
        let _ = done.send(call());
    });
    started.map_err(SourceError::new)?;
    match timeout(CALL_TIMEOUT, result).await {
        Ok(Ok(result)) => result.map_err(error),
        Ok(Err(_)) => Err(SourceError::new("the client library failed")),
        Err(_) => Err(SourceError::new(format!(
            "the brokers have not responded within {CALL_TIMEOUT:?}"
        ))),
    }
}

/// Drops a client, which leaves the group, in a thread of its own.
pub(super) fn drop_in_background(client: impl Send + 'static) {
    let thread = std::thread::Builder::new().name("kafka".into());
    // Without a thread it was dropped here.
    let _ = thread.spawn(move || drop(client));
}

/// Returns an error without values of the configuration, which may be secret.
pub(super) fn error(error: KafkaError) -> SourceError {
    match error {
        KafkaError::ClientConfig(_, _, key, _) => {
            SourceError::new(format!("this build of librdkafka rejects `{key}`"))
        }
        other => SourceError::new(other),
    }
}

/// Replaces the library's names of keys, which its advice contains, by those of a source.
fn in_our_keys(text: &str) -> String {
    text.replace("ssl.ca.location", "`ca`")
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
