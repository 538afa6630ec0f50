//! The client.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::rustls::pki_types::CertificateDer;
use url::Url;
use webhook_model::Phase;

use super::dial::Dialer;
use super::headers::can_be_sent;
use super::http1;
use super::http2::{self, Failed, Place, Shared};
use super::origin::{self, Origin};
use super::pool::{Idle, Kept, MAX_IDLE, Pool};
use super::resolve::Names;
use super::{Answer, CallError, Policy, Resolve, SystemResolver, TlsError, UrlError, address, tls};

/// The `User-Agent` of all requests.
pub const USER_AGENT: &str = concat!("webhook-sender/", env!("CARGO_PKG_VERSION"));

/// What a client is made of.
pub struct Settings {
    pub policy: Policy,
    pub resolver: Arc<dyn Resolve>,
    /// Authorities believed beside the system's: see [`certificates`](super::certificates).
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// The most idle connections, shared ones included.
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

/// A request. `Host` and `Content-Length` are added to its headers.
#[derive(Clone, Copy)]
pub struct Post<'a> {
    /// As [`check_url`](super::check_url) read it.
    pub url: &'a Url,
    /// Whose share of the look-ups its name is looked up in: the tenant.
    pub share: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    /// Sent byte for byte.
    pub body: &'a Bytes,
    /// When everything has to be over.
    pub deadline: Instant,
}

/// Posts to receivers, over connections that it keeps.
pub struct Client {
    dialer: Dialer,
    pool: Pool,
}

impl Client {
    /// # Errors
    ///
    /// A [`TlsError`] if the settings' certificates cannot be used.
    pub fn new(settings: Settings) -> Result<Self, TlsError> {
        Ok(Self {
            dialer: Dialer {
                policy: settings.policy,
                names: Names::new(settings.resolver),
                tls: tls::connector(&settings.extra_roots)?,
            },
            pool: Pool::new(settings.max_idle),
        })
    }

    /// Where this client goes.
    pub fn policy(&self) -> &Policy {
        &self.dialer.policy
    }

    /// Sends a request and reads its response, whatever status it has. A request that a receiver may
    /// have processed is never sent again.
    ///
    /// # Errors
    ///
    /// A [`CallError`].
    pub async fn post(&self, post: &Post<'_>) -> Result<Answer, CallError> {
        if let Some((name, _)) = post.headers.iter().find(|header| !can_be_sent(header)) {
            return Err(CallError::Header((*name).to_owned()));
        }
        if let Some(kept) = self.pool.take(origin::key(post.url)) {
            match self.exchange(kept, post).await {
                Err(Failed {
                    unprocessed: true, ..
                }) => {}
                done => return done.map_err(|failed| failed.error),
            }
        }
        let connection = self.connect(post).await?;
        let done = self.exchange(connection, post).await;
        done.map_err(|failed| failed.error)
    }

    /// Closes connections that were idle for too long. To be called every few seconds.
    pub fn sweep(&self) {
        self.pool.sweep();
    }

    async fn exchange(&self, kept: Kept, post: &Post<'_>) -> Result<Answer, Failed> {
        let key = origin::key(post.url);
        match kept {
            Kept::Http1(mut idle) => {
                let exchanged = http1::exchange(&mut idle.connection, post).await;
                // How much the receiver took of a request without a response cannot be told.
                let exchanged = exchanged.map_err(|error| Failed {
                    error,
                    unprocessed: false,
                })?;
                if exchanged.reusable {
                    self.pool.keep(key, idle, exchanged.keeps_idle);
                }
                Ok(exchanged.answer)
            }
            Kept::Http2(place) => {
                let exchanged = http2::exchange(&place, post).await;
                // One that has failed an exchange may fail all: the next ones go to another.
                if exchanged.is_err() {
                    self.pool.retire(key, &place.0);
                }
                exchanged
            }
        }
    }

    async fn connect(&self, post: &Post<'_>) -> Result<Kept, CallError> {
        address::check_parsed(post.url, &self.dialer.policy)?;
        let origin = Origin::of(post.url).ok_or(UrlError::NoHost)?;
        // Before it is its turn to dial: a tenant whose names are slow keeps nobody else from it.
        let find = self.dialer.find(&origin, post.share, post.deadline);
        let addresses = find.await?;
        let Some(dialing) = self.dialing(&origin) else {
            return self.dial(&origin, &addresses, post.deadline).await;
        };
        // One at a time: the others will find room on the connection that comes of it.
        let held = timeout_at(post.deadline, dialing.lock()).await;
        let held = held.map_err(|_| CallError::TimedOut(Phase::Connect))?;
        if let Some(kept) = self.pool.take(&origin.key) {
            return Ok(kept);
        }
        // Unless it has turned out meanwhile that nobody else will find room on it.
        let _held = self.dialing(&origin).map(|_| held);
        self.dial(&origin, &addresses, post.deadline).await
    }

    /// What is held while dialing, where others may share the connection.
    fn dialing(&self, origin: &Origin) -> Option<Arc<tokio::sync::Mutex<()>>> {
        origin.tls.then(|| self.pool.dialing(&origin.key)).flatten()
    }

    async fn dial(
        &self,
        origin: &Origin,
        addresses: &[IpAddr],
        deadline: Instant,
    ) -> Result<Kept, CallError> {
        let stream = self.dialer.dial(origin, addresses, deadline).await?;
        let http2 = stream.speaks_http2();
        if origin.tls {
            self.pool.speaks_http1(&origin.key, !http2);
        }
        match http2 {
            false => Ok(Kept::Http1(Idle::new(stream))),
            true => self.share(origin, stream, deadline).await.map(Kept::Http2),
        }
    }

    async fn share(
        &self,
        origin: &Origin,
        stream: super::stream::Stream,
        deadline: Instant,
    ) -> Result<Place, CallError> {
        let shared = Shared::start(stream, deadline).await?;
        let place = self.pool.share(&origin.key, shared);
        place.ok_or_else(|| CallError::Connect("it takes no requests".into()))
    }
}
