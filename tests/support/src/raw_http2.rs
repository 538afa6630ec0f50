//! An HTTP/2 server that responds with given frames.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::raw_receiver::Counts;
use super::tls::Authority;

const PREFACE: usize = 24;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The response to a request.
pub enum Reply {
    /// These frames are sent.
    Frames(Vec<u8>),
    /// These frames are sent, and the connection is closed.
    Last(Vec<u8>),
    /// From the head of the request on nothing more is read, until the test ends.
    Stall,
}

/// Reads one request after the other and replies to each as `reply` says for its number, counted
/// over all connections, and its stream.
pub struct RawHttp2 {
    pub address: SocketAddr,
    pub authority: String,
    pub counts: Arc<Counts>,
    serving: JoinHandle<()>,
}

type Script = dyn Fn(usize, u32) -> Reply + Send + Sync;

impl RawHttp2 {
    pub async fn start(reply: impl Fn(usize, u32) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (authority, counts) = (Authority::generate(), Arc::new(Counts::default()));
        let address = listener.local_addr().unwrap();
        let tls = authority.acceptor(&["h2"]);
        let serving = tokio::spawn(serve(listener, tls, counts.clone(), Arc::new(reply)));
        Self {
            address,
            authority: authority.pem(),
            counts,
            serving,
        }
    }

    pub fn url(&self) -> String {
        format!("https://{}/", self.address)
    }
}

impl Drop for RawHttp2 {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Returns the head of a response without a body. `fields` are literals of HPACK.
pub fn response(stream: u32, status: &str, fields: &[u8], ends: bool) -> Vec<u8> {
    // `:status` is entry 8 of the static table (RFC 7541, appendix A).
    let mut block = vec![0x08, status.len() as u8];
    block.extend(status.as_bytes());
    block.extend(fields);
    let flags = END_HEADERS | if ends { END_STREAM } else { 0 };
    frame(HEADERS, flags, stream, &block)
}

/// Returns the header field `x: yyy…` with a value of this many bytes, repeated.
pub fn fields(value: usize, times: usize) -> Vec<u8> {
    // A literal that enters the dynamic table; its length is an integer with a prefix of seven bits
    // (RFC 7541, sections 5.1 and 6.2.1).
    let mut bytes = vec![0x40, 1, b'x', 0x7f];
    let mut rest = value - 0x7f;
    while rest >= 128 {
        bytes.push((rest % 128) as u8 | 0x80);
        rest /= 128;
    }
    bytes.push(rest as u8);
    bytes.resize(bytes.len() + value, b'y');
    // By its place in that table.
    bytes.resize(bytes.len() + times - 1, 0x80 | 62);
    bytes
}

pub fn reset(stream: u32, reason: u32) -> Vec<u8> {
    frame(RESET, 0, stream, &reason.to_be_bytes())
}

pub fn go_away(last: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), [0; 4]].concat())
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, counts: Arc<Counts>, reply: Arc<Script>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        counts.connections.fetch_add(1, Ordering::SeqCst);
        let (tls, counts, reply) = (tls.clone(), counts.clone(), reply.clone());
        // How a connection ends is for the client to see.
        tokio::spawn(async move {
            let _ = connection(stream, tls, &counts, &*reply).await;
        });
    }
}

async fn connection(
    stream: TcpStream,
    tls: TlsAcceptor,
    counts: &Counts,
    reply: &Script,
) -> std::io::Result<()> {
    let mut stream = tls.accept(stream).await?;
    stream.read_exact(&mut [0; PREFACE]).await?;
    // So much that only the buffers of the connection hold a body back.
    let window = 0x7fff_0000_u32.to_be_bytes();
    let settings = [&[0, 4][..], &window].concat();
    stream.write_all(&frame(SETTINGS, 0, 0, &settings)).await?;
    stream
        .write_all(&frame(WINDOW_UPDATE, 0, 0, &window))
        .await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let (kind, flags) = (head[3], head[4]);
        let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).await?;
        let is_request = kind == HEADERS;
        let is_whole = matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0;
        match kind {
            SETTINGS if flags & ACK == 0 => stream.write_all(&frame(SETTINGS, ACK, 0, &[])).await?,
            PING if flags & ACK == 0 => stream.write_all(&frame(PING, ACK, 0, &payload)).await?,
            _ => {}
        }
        let number = counts.requests();
        if is_request && matches!(reply(number, id), Reply::Stall) {
            counts.requests.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
        if is_whole {
            counts.requests.fetch_add(1, Ordering::SeqCst);
            match reply(number, id) {
                Reply::Frames(bytes) => stream.write_all(&bytes).await?,
                Reply::Last(bytes) => {
                    stream.write_all(&bytes).await?;
                    return stream.shutdown().await;
                }
                Reply::Stall => {}
            }
        }
    }
}
