//! Bytes to a server and back, for what no well-behaved client sends.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::within_patience;

/// Sends `bytes` and reads until the server closes the connection, so a request has to say
/// `Connection: close`.
///
/// # Panics
/// As [`Connection`]'s functions do.
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
    /// Where nobody listens.
    pub async fn open(address: SocketAddr) -> Self {
        Self {
            stream: TcpStream::connect(address)
                .await
                .expect("the server listens"),
            received: Vec::new(),
        }
    }

    /// The address the server sees.
    pub fn own_address(&self) -> SocketAddr {
        self.stream.local_addr().expect("it is connected")
    }

    /// Sends `bytes`.
    ///
    /// # Panics
    /// Where the server does not take them.
    pub async fn send(&mut self, bytes: &[u8]) {
        let sent = self.stream.write_all(bytes);
        within_patience(sent, || "the server to read".to_owned())
            .await
            .expect("the server reads");
    }

    /// Reads until what was received in all holds `text`.
    ///
    /// # Panics
    /// Where the connection ends before.
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

    /// Reads until the server closes the connection, and gives what was received in all.
    ///
    /// # Panics
    /// Where the connection breaks before a byte has come.
    pub async fn read_to_end(mut self) -> String {
        loop {
            match self.read_some().await {
                Ok(0) => return self.received(),
                Ok(_) => continue,
                Err(error) => {
                    assert!(!self.received.is_empty(), "no answer: {error}");
                    return self.received();
                }
            }
        }
    }

    fn received(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }

    async fn read_some(&mut self) -> std::io::Result<usize> {
        let read = self.stream.read_buf(&mut self.received);
        within_patience(read, || "bytes of the server".to_owned()).await
    }
}
