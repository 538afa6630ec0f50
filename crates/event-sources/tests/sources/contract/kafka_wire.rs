//! Kafka's protocol, as far as a proxy reads it: frames, and the address that a broker has of itself.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// The most bytes of a frame.
const MAX_FRAME: usize = 128 << 20;

/// The most bytes of a response that has addresses.
const MAX_WITH_ADDRESSES: usize = 64 << 10;

pub async fn read_frame(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let length = from.read_u32().await? as usize;
    if length > MAX_FRAME {
        return Err(io::Error::other(format!("a frame of {length} bytes")));
    }
    let mut frame = vec![0; length];
    from.read_exact(&mut frame).await?;
    Ok(frame)
}

pub async fn write_frame(to: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> io::Result<()> {
    to.write_u32(u32::try_from(frame.len()).unwrap()).await?;
    to.write_all(frame).await?;
    to.flush().await
}

/// The address of a broker in its responses, and the address that its clients connect to instead.
#[derive(Clone, Copy)]
pub struct Detour {
    pub broker: SocketAddr,
    pub proxy: SocketAddr,
}

impl Detour {
    fn apply(self, response: &mut [u8]) {
        if response.len() > MAX_WITH_ADDRESSES {
            return;
        }
        let (broker, proxy) = (in_responses(self.broker), in_responses(self.proxy));
        for at in 0..=response.len().saturating_sub(broker.len()) {
            if response[at..].starts_with(&broker) {
                response[at..at + proxy.len()].copy_from_slice(&proxy);
            }
        }
    }
}

/// Returns the bytes of a host and a port that follow each other. The text of the host is as long for every
/// address on loopback.
fn in_responses(address: SocketAddr) -> Vec<u8> {
    let port = i32::from(address.port()).to_be_bytes();
    [address.ip().to_string().as_bytes(), &port].concat()
}

/// Forwards requests and responses until a side ends the connection.
pub async fn forward(
    client: impl AsyncRead + AsyncWrite,
    broker: TcpStream,
    detour: Detour,
) -> io::Result<()> {
    let (mut from_client, to_client) = tokio::io::split(client);
    let (from_broker, mut to_broker) = broker.into_split();
    tokio::select! {
        ended = tokio::io::copy(&mut from_client, &mut to_broker) => ended.map(drop),
        ended = forward_responses(from_broker, to_client, detour) => ended,
    }
}

async fn forward_responses(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    detour: Detour,
) -> io::Result<()> {
    loop {
        let mut response = read_frame(&mut from).await?;
        detour.apply(&mut response);
        write_frame(&mut to, &response).await?;
    }
}
