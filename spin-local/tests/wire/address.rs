//! Addresses without a server, each failing in a different way.

use std::net::SocketAddr;

use tokio::net::TcpListener;
#[cfg(target_os = "linux")]
use tokio::net::{TcpSocket, TcpStream};

/// Returns an address that refuses connections: it was free a moment ago.
pub async fn refusing() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    listener.local_addr().expect("it is bound")
}

/// A listener whose queue is full: further connections get no response at all.
#[cfg(target_os = "linux")]
pub struct Full {
    listener: TcpListener,
    _first: TcpStream,
}

#[cfg(target_os = "linux")]
impl Full {
    /// Starts the listener. On Linux, a queue of length 0 accepts one connection, and further ones
    /// wait.
    pub async fn start() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(any).expect("a port is free");
        let listener = socket.listen(0).expect("it is bound");
        let address = listener.local_addr().expect("it is bound");
        let first = TcpStream::connect(address)
            .await
            .expect("there is room for one");
        Self {
            listener,
            _first: first,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("it is bound")
    }
}
