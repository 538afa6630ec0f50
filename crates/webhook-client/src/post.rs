//! [`Client`], and the request that it sends.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::time::{Instant, timeout_at};
use tokio_rustls::rustls::pki_types::CertificateDer;
use webhook_model::Phase;

use super::dial::Dialer;
use super::headers::can_be_sent;
use super::http1;
use super::http2::{self, ExchangeError, SharedConnection, Slot};
use super::origin::{self, Origin};
use super::pool::{IdleConnection, MAX_IDLE, Pool, PooledConnection};
use super::request::WebhookRequest;
use super::resolve::Resolver;
use super::{
    CallError, Policy, Resolve, Response, SystemResolver, TlsError, UrlError, address, tls,
};

/// The settings of a [`Client`].
pub struct Settings {
    pub policy: Policy,
    pub resolver: Arc<dyn Resolve>,
    /// Authorities trusted beside the system's: see [`certificates`](super::certificates).
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// The most idle connections that are kept, shared ones included.
    pub max_idle: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            resolver: Arc::new(SystemResolver),
            extra_roots: vec![],
            max_idle: MAX_IDLE,
        }
    }
}

/// Posts to receivers, over pooled connections.
pub struct Client {
    dialer: Dialer,
    pool: Pool,
}

impl Client {
    /// Creates a client.
    ///
    /// # Errors
    ///
    /// A [`TlsError`] if the settings' certificates cannot be used.
    pub fn new(settings: Settings) -> Result<Self, TlsError> {
        Ok(Self {
            dialer: Dialer {
                policy: settings.policy,
                resolver: Resolver::new(settings.resolver),
                tls: tls::connector(&settings.extra_roots)?,
            },
            pool: Pool::new(settings.max_idle),
        })
    }

    /// Returns the policy on addresses.
    pub fn policy(&self) -> &Policy {
        &self.dialer.policy
    }

    /// Sends a request and returns its response, whatever its status. A request that a receiver may
    /// have processed is never sent again.
    ///
    /// # Errors
    ///
    /// A [`CallError`].
    pub async fn post(&self, request: &WebhookRequest<'_>) -> Result<Response, CallError> {
        if let Some((name, _)) = request.headers.iter().find(|header| !can_be_sent(header)) {
            return Err(CallError::Header((*name).to_owned()));
        }
        if let Some(pooled) = self.pool.take(origin::key(request.url)) {
            match self.exchange(pooled, request).await {
                Err(ExchangeError {
                    unprocessed: true, ..
                }) => {}
                done => return done.map_err(|failed| failed.error),
            }
        }
        let connection = self.connect(request).await?;
        let done = self.exchange(connection, request).await;
        done.map_err(|failed| failed.error)
    }

    /// Closes connections that were idle for too long. Must be called every few seconds.
    pub fn sweep(&self) {
        self.pool.sweep();
    }

    async fn exchange(
        &self,
        connection: PooledConnection,
        request: &WebhookRequest<'_>,
    ) -> Result<Response, ExchangeError> {
        let key = origin::key(request.url);
        match connection {
            PooledConnection::Http1(mut idle) => {
                let exchanged = http1::exchange(&mut idle.connection, request).await;
                // Without a response, the receiver may have processed any part of the request.
                let exchanged = exchanged.map_err(|error| ExchangeError {
                    error,
                    unprocessed: false,
                })?;
                if exchanged.reusable {
                    self.pool.put(key, idle, exchanged.keep_alive);
                }
                Ok(exchanged.response)
            }
            PooledConnection::Http2(slot) => {
                let exchanged = http2::exchange(&slot, request).await;
                // A connection that failed one exchange may fail all: the next ones use another.
                if exchanged.is_err() {
                    self.pool.retire(key, &slot.0);
                }
                exchanged
            }
        }
    }

    async fn connect(&self, request: &WebhookRequest<'_>) -> Result<PooledConnection, CallError> {
        let deadline = request.deadline;
        address::check_parsed(request.url, &self.dialer.policy)?;
        let origin = Origin::of(request.url).ok_or(UrlError::NoHost)?;
        // Before the lock on dialing, so that a tenant with slow names does not delay the others.
        let find = self.dialer.find(&origin, request.fairness_key, deadline);
        let addresses = find.await?;
        let Some(dialing) = self.dialing(&origin) else {
            return self.dial(&origin, &addresses, deadline).await;
        };
        // One at a time: the requests that wait may share the connection.
        let guard = timeout_at(deadline, dialing.lock()).await;
        let guard = guard.map_err(|_| CallError::TimedOut(Phase::Connect))?;
        if let Some(pooled) = self.pool.take(&origin.key) {
            return Ok(pooled);
        }
        // Unless the origin has turned out to speak HTTP/1.1 meanwhile.
        let _guard = self.dialing(&origin).map(|_| guard);
        self.dial(&origin, &addresses, deadline).await
    }

    /// Returns the lock that is held while dialing; `None` where connections cannot be shared.
    fn dialing(&self, origin: &Origin) -> Option<Arc<tokio::sync::Mutex<()>>> {
        origin.tls.then(|| self.pool.dialing(&origin.key)).flatten()
    }

    async fn dial(
        &self,
        origin: &Origin,
        addresses: &[IpAddr],
        deadline: Instant,
    ) -> Result<PooledConnection, CallError> {
        let stream = self.dialer.dial(origin, addresses, deadline).await?;
        let http2 = stream.speaks_http2();
        if origin.tls {
            self.pool.speaks_http1(&origin.key, !http2);
        }
        if http2 {
            self.share(origin, stream, deadline)
                .await
                .map(PooledConnection::Http2)
        } else {
            Ok(PooledConnection::Http1(IdleConnection::new(stream)))
        }
    }

    async fn share(
        &self,
        origin: &Origin,
        stream: super::stream::Stream,
        deadline: Instant,
    ) -> Result<Slot, CallError> {
        let shared = SharedConnection::start(stream, deadline).await?;
        let slot = self.pool.share(&origin.key, shared);
        slot.ok_or_else(|| CallError::Connect("the receiver allows no requests on it".into()))
    }
}
