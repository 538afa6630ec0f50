//! New connections, to addresses that the policy allows.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use url::Host;
use webhook_model::Phase;

use super::error::plain;
use super::origin::Origin;
use super::resolve::Resolver;
use super::stream::Stream;
use super::{CallError, Policy};

/// The time after which the next address is tried beside the ones before (RFC 8305, section 5).
const STAGGER: Duration = Duration::from_millis(250);

/// The most addresses of a name that are tried.
const MAX_ADDRESSES: usize = 8;

pub(super) struct Dialer {
    pub policy: Policy,
    pub resolver: Resolver,
    pub tls: TlsConnector,
}

impl Dialer {
    /// Returns the addresses of `origin` that the policy allows: at least one.
    pub(super) async fn find(
        &self,
        origin: &Origin,
        fairness_key: &str,
        deadline: Instant,
    ) -> Result<Vec<IpAddr>, CallError> {
        let addresses = self.addresses(origin, fairness_key);
        within(deadline, Phase::Address, addresses).await
    }

    /// Connects to `origin` at one of `addresses`.
    pub(super) async fn dial(
        &self,
        origin: &Origin,
        addresses: &[IpAddr],
        deadline: Instant,
    ) -> Result<Stream, CallError> {
        let stream = within(deadline, Phase::Connect, self.connect(addresses, origin)).await?;
        // Requests are written whole: Nagle's algorithm would only delay them.
        let _ = stream.set_nodelay(true);
        if origin.tls {
            within(deadline, Phase::Connect, self.encrypt(origin, stream)).await
        } else {
            Ok(Stream::Plain(stream))
        }
    }

    /// Returns the allowed addresses among those that the host resolves to. A refused address beside
    /// others is skipped: networks with NAT64 always return one.
    async fn addresses(
        &self,
        origin: &Origin,
        fairness_key: &str,
    ) -> Result<Vec<IpAddr>, CallError> {
        let name = match &origin.host {
            Host::Ipv4(address) => return self.literal(IpAddr::V4(*address), origin),
            Host::Ipv6(address) => return self.literal(IpAddr::V6(*address), origin),
            Host::Domain(name) => name,
        };
        let unresolved = |detail| CallError::Unresolved {
            host: name.clone(),
            detail,
        };
        let found = self
            .resolver
            .find(name, fairness_key)
            .await
            .map_err(|error| unresolved(plain(&error)))?;
        let checked = found
            .iter()
            .map(|address| (*address, self.policy.check_ip(*address, &origin.key)));
        let allowed = checked.clone().filter(|(_, checked)| checked.is_ok());
        let allowed: Vec<_> = allowed
            .map(|(address, _)| address)
            .take(MAX_ADDRESSES)
            .collect();
        if !allowed.is_empty() {
            return Ok(allowed);
        }
        match checked.filter_map(|(_, checked)| checked.err()).next() {
            Some(refused) => Err(refused.into()),
            None => Err(unresolved("it has no addresses".into())),
        }
    }

    fn literal(&self, address: IpAddr, origin: &Origin) -> Result<Vec<IpAddr>, CallError> {
        self.policy.check_ip(address, &origin.key)?;
        Ok(vec![address])
    }

    /// Returns the first connection that succeeds, trying the addresses in order.
    async fn connect(&self, addresses: &[IpAddr], origin: &Origin) -> Result<TcpStream, CallError> {
        let mut untried = addresses.iter();
        let mut connecting = FuturesUnordered::new();
        let mut last = CallError::Connect("no address is left".into());
        loop {
            match untried.next() {
                Some(address) => connecting.push(self.connect_to(*address, origin)),
                None if connecting.is_empty() => return Err(last),
                None => {}
            }
            let wait = if untried.len() > 0 {
                STAGGER
            } else {
                Duration::MAX
            };
            match timeout(wait, connecting.next()).await {
                Ok(Some(Ok(stream))) => return Ok(stream),
                Ok(Some(Err(error))) => last = error,
                Ok(None) | Err(_) => {}
            }
        }
    }

    /// Connects to one address. No other function opens connections to receivers.
    async fn connect_to(&self, address: IpAddr, origin: &Origin) -> Result<TcpStream, CallError> {
        self.policy.check_ip(address, &origin.key)?;
        let address = SocketAddr::new(address, origin.port);
        let connected: io::Result<TcpStream> = TcpStream::connect(address).await;
        connected.map_err(|error| CallError::connect(&error))
    }

    async fn encrypt(&self, origin: &Origin, stream: TcpStream) -> Result<Stream, CallError> {
        let name = server_name(&origin.host)?;
        let encrypted = self.tls.connect(name, stream).await;
        let encrypted = encrypted.map_err(|error| CallError::Tls(plain(&error)))?;
        Ok(Stream::Tls(Box::new(encrypted)))
    }
}

fn server_name(host: &Host<String>) -> Result<ServerName<'static>, CallError> {
    match host {
        Host::Ipv4(address) => Ok(ServerName::from(IpAddr::V4(*address))),
        Host::Ipv6(address) => Ok(ServerName::from(IpAddr::V6(*address))),
        // Names in certificates have no trailing dot (RFC 6066, section 3).
        Host::Domain(name) => ServerName::try_from(name.trim_end_matches('.').to_owned())
            .map_err(|error| CallError::Tls(error.to_string())),
    }
}

async fn within<T>(
    deadline: Instant,
    phase: Phase,
    step: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let done = timeout_at(deadline, step).await;
    done.unwrap_or(Err(CallError::TimedOut(phase)))
}
