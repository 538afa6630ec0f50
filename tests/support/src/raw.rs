//! Raw bytes to and from a server, for requests that no well-behaved client sends.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::with_timeout;

/// Sends `bytes` and reads until the server closes the connection, so that a request needs
/// `Connection: close`.
///
/// # Panics
///
/// See the functions of [`Connection`].
pub async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut connection = Connection::open(address).await;
    connection.send(bytes).await;
    connection.read_to_end().await
}

/// A TCP connection.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Panics
    ///
    /// The connection is refused.
    pub async fn open(address: SocketAddr) -> Self {
        Self {
            stream: TcpStream::connect(address)
                .await
                .expect("the server listens"),
            received: Vec::new(),
        }
    }

    /// Returns the address of this end.
    pub fn own_address(&self) -> SocketAddr {
        self.stream.local_addr().expect("it is connected")
    }

    /// Sends `bytes`.
    ///
    /// # Panics
    ///
    /// The connection is closed.
    pub async fn send(&mut self, bytes: &[u8]) {
        let sent = self.stream.write_all(bytes);
        with_timeout(sent, || "the server to read".to_owned())
            .await
            .expect("the server reads");
    }

    /// Reads until the received text contains `text`.
    ///
    /// # Panics
    ///
    /// The connection ends first.
    pub async fn read_until(&mut self, text: &str) {
        while !self.received().contains(text) {
            let count = self.read_some().await;
            assert!(
                matches!(count, Ok(1..)),
                "no `{text}` in: {}",
                self.received()
            );
        }
    }

    /// Reads until the server closes the connection, and returns everything received.
    ///
    /// # Panics
    ///
    /// The connection fails before the first byte.
    pub async fn read_to_end(mut self) -> String {
        loop {
            match self.read_some().await {
                Ok(0) => return self.received(),
                Ok(_) => continue,
                Err(error) => {
                    assert!(!self.received.is_empty(), "no response: {error}");
                    return self.received();
                }
            }
        }
    }

    /// Returns what was received so far.
    pub fn received(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }

    async fn read_some(&mut self) -> std::io::Result<usize> {
        let read = self.stream.read_buf(&mut self.received);
        with_timeout(read, || "bytes from the server".to_owned()).await
    }
}
