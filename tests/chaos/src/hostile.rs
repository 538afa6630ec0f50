//! Hostile receivers.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::config::HOSTILE;
use crate::ledger::Ledger;
use crate::receiver::number;

/// The behaviour of a hostile receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hostile {
    /// Never responds.
    Hangs,
    /// Responds endlessly, one byte at a time.
    Drips,
    /// Responds with an endless body, as fast as it is read.
    Floods,
    /// Resets the connection.
    Resets,
    /// Speaks HTTP/2 until it has the request, and then reads and writes nothing.
    SilentHttp2,
    /// Responds 200 with a head that no server should send.
    OddHeads,
    /// Redirects to the healthy receiver.
    Redirects,
}

/// A response with a valid status and a malformed head: a control character in a value, a line
/// without a colon, a space before one, and a folded line.
const ODD: &[u8] = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=\x01b\r\nno colon here\r\nX-Space : 1\r\n\
    X-Folded: one\r\n two\r\nContent-Length: 0\r\n\r\n";

/// The preface of an HTTP/2 server: an empty SETTINGS frame.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// A hostile receiver. Dropping it ends it.
pub struct HostileReceiver {
    pub url: String,
    /// The PEM of the authority to trust, if the URL is `https`.
    pub authority: Option<String>,
    serving: JoinHandle<()>,
}

impl HostileReceiver {
    /// Starts a receiver. `elsewhere` is the target of redirects.
    pub async fn start(kind: Hostile, ledger: Arc<Ledger>, elsewhere: String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (tls, authority) = if kind == Hostile::SilentHttp2 {
            let (tls, authority) = tls()?;
            (Some(tls), Some(authority))
        } else {
            (None, None)
        };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let behaviour = Behaviour {
            kind,
            ledger,
            elsewhere,
        };
        Ok(Self {
            url: format!("{scheme}://{address}/{HOSTILE}"),
            authority,
            serving: tokio::spawn(serve(listener, Arc::new(behaviour), tls)),
        })
    }
}

impl Drop for HostileReceiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

struct Behaviour {
    kind: Hostile,
    ledger: Arc<Ledger>,
    elsewhere: String,
}

async fn serve(listener: TcpListener, behaviour: Arc<Behaviour>, tls: Option<TlsAcceptor>) {
    // The tasks of the connections end with the receiver.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (behaviour, tls) = (behaviour.clone(), tls.clone());
        connections.spawn(async move {
            // The connection fails when the sender disconnects, as it should.
            let _ = match tls {
                Some(tls) => silent(stream, tls).await,
                None => behaviour.connection(stream).await,
            };
        });
        while connections.try_join_next().is_some() {}
    }
}

impl Behaviour {
    async fn connection(&self, mut stream: TcpStream) -> Result<()> {
        while let Some(request) = Request::read(&mut stream).await? {
            self.respond(&mut stream, &request).await?;
        }
        Ok(())
    }

    async fn respond(&self, stream: &mut TcpStream, request: &Request) -> Result<()> {
        match self.kind {
            Hostile::Hangs | Hostile::SilentHttp2 => std::future::pending().await,
            Hostile::Resets => {
                stream.set_zero_linger()?;
                anyhow::bail!("reset on purpose")
            }
            Hostile::Drips => {
                self.succeed(request);
                stream.write_all(b"HTTP/1.1 200 OK\r\nX-Drip: ").await?;
                endless(stream, b".", Duration::from_millis(100)).await
            }
            Hostile::Floods => {
                self.succeed(request);
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                endless(stream, &[b'.'; 64 * 1024], Duration::ZERO).await
            }
            Hostile::OddHeads => {
                self.succeed(request);
                Ok(stream.write_all(ODD).await?)
            }
            Hostile::Redirects => {
                let head = format!(
                    "HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
                    self.elsewhere
                );
                Ok(stream.write_all(head.as_bytes()).await?)
            }
        }
    }

    fn succeed(&self, request: &Request) {
        self.ledger
            .delivered(HOSTILE, number(&request.body), &request.webhook_id);
    }
}

async fn endless(stream: &mut TcpStream, bytes: &[u8], pause: Duration) -> Result<()> {
    loop {
        stream.write_all(bytes).await?;
        tokio::time::sleep(pause).await;
    }
}

/// Completes TLS and the HTTP/2 preface, reads one request, and then reads and writes nothing.
async fn silent(stream: TcpStream, tls: TlsAcceptor) -> Result<()> {
    let mut stream = tls.accept(stream).await?;
    stream.write_all(SETTINGS).await?;
    stream.flush().await?;
    let mut buffer = [0; 1024];
    let _ = stream.read(&mut buffer).await?;
    std::future::pending().await
}

/// The parts of a request that a receiver needs.
struct Request {
    webhook_id: String,
    body: Vec<u8>,
}

impl Request {
    /// Reads a request. Returns `None` at the end of the connection.
    async fn read(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Result<Option<Self>> {
        let mut bytes = Vec::new();
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
        };
        let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
        let length: usize = header(&text, "content-length")
            .context("the request has no length")?
            .parse()?;
        while bytes.len() < head + length {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
        }
        Ok(Some(Self {
            webhook_id: header(&text, "webhook-id").unwrap_or_default().to_owned(),
            body: bytes[head..head + length].to_vec(),
        }))
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(field, _)| field.eq_ignore_ascii_case(name))?;
    Some(value.trim())
}

/// Returns an acceptor with a certificate for 127.0.0.1, and the PEM of its authority.
fn tls() -> Result<(TlsAcceptor, String)> {
    let mut params = CertificateParams::new(vec![])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let names = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
    let certificate = names.signed_by(&key, &authority)?;
    let key = PrivateKeyDer::try_from(key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            key.map_err(anyhow::Error::msg)?,
        )?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok((TlsAcceptor::from(Arc::new(config)), authority.pem()))
}
