//! New connections.

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
use super::resolve::Names;
use super::stream::Stream;
use super::{CallError, Policy};

/// How long an address is tried alone before the next one is tried beside it (RFC 8305, section 5).
const STAGGER: Duration = Duration::from_millis(250);

/// The most addresses of a name that are tried.
const MAX_ADDRESSES: usize = 8;

pub(super) struct Dialer {
    pub policy: Policy,
    pub names: Names,
    pub tls: TlsConnector,
}

impl Dialer {
    /// The addresses of `origin` that the policy lets through: at least one.
    pub(super) async fn find(
        &self,
        origin: &Origin,
        share: &str,
        by: Instant,
    ) -> Result<Vec<IpAddr>, CallError> {
        within(by, Phase::Address, self.addresses(origin, share)).await
    }

    /// A connection to `origin` at one of `addresses`.
    pub(super) async fn dial(
        &self,
        origin: &Origin,
        addresses: &[IpAddr],
        by: Instant,
    ) -> Result<Stream, CallError> {
        let stream = within(by, Phase::Connect, self.connect(addresses, origin)).await?;
        // Requests are written whole; to wait for more would only delay them.
        let _ = stream.set_nodelay(true);
        match origin.tls {
            false => Ok(Stream::Plain(stream)),
            true => within(by, Phase::Connect, self.encrypt(origin, stream)).await,
        }
    }

    /// What may be called of what the host resolves to. A refused address beside others is passed
    /// over: it is the only kind of answer that networks with NAT64 give.
    async fn addresses(&self, origin: &Origin, share: &str) -> Result<Vec<IpAddr>, CallError> {
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
            .names
            .find(name, share)
            .await
            .map_err(|error| unresolved(plain(&error)))?;
        let judged = found
            .iter()
            .map(|address| (*address, self.policy.check_ip(*address, &origin.key)));
        let allowed = judged.clone().filter(|(_, judged)| judged.is_ok());
        let allowed: Vec<_> = allowed
            .map(|(address, _)| address)
            .take(MAX_ADDRESSES)
            .collect();
        if !allowed.is_empty() {
            return Ok(allowed);
        }
        match judged.filter_map(|(_, judged)| judged.err()).next() {
            Some(refused) => Err(refused.into()),
            None => Err(unresolved("it has no addresses".into())),
        }
    }

    fn literal(&self, address: IpAddr, origin: &Origin) -> Result<Vec<IpAddr>, CallError> {
        self.policy.check_ip(address, &origin.key)?;
        Ok(vec![address])
    }

    /// The first connection that comes about, the addresses tried in their order.
    async fn connect(&self, addresses: &[IpAddr], origin: &Origin) -> Result<TcpStream, CallError> {
        let mut to_try = addresses.iter();
        let mut under_way = FuturesUnordered::new();
        let mut last = CallError::Connect("no address is left".into());
        loop {
            match to_try.next() {
                Some(address) => under_way.push(self.connect_to(*address, origin)),
                None if under_way.is_empty() => return Err(last),
                None => {}
            }
            let patience = if to_try.len() > 0 {
                STAGGER
            } else {
                Duration::MAX
            };
            match timeout(patience, under_way.next()).await {
                Ok(Some(Ok(stream))) => return Ok(stream),
                Ok(Some(Err(error))) => last = error,
                Ok(None) | Err(_) => {}
            }
        }
    }

    /// The one place where connections are made.
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
        // Certificates have names without the dot at the end (RFC 6066, section 3).
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
