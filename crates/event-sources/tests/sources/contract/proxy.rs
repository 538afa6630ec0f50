//! A proxy whose connections can be cut.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::contract::kafka_wire::{Detour, forward};
use crate::contract::queue::Queue;

/// A proxy in front of a server. Dropping it cuts everything.
pub struct Proxy {
    pub address: SocketAddr,
    connections: Arc<Mutex<JoinSet<()>>>,
    _accepting: JoinSet<()>,
}

impl Proxy {
    /// Creates a proxy in front of the server of a queue.
    pub async fn to(queue: &Queue) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = queue.address;
        // A client of Kafka connects to the address that a broker has of itself.
        let detour = queue.kind.is_kafka().then_some(Detour {
            broker: server,
            proxy: address,
        });
        let connections = Arc::new(Mutex::new(JoinSet::new()));
        let mut accepting = JoinSet::new();
        let theirs = connections.clone();
        accepting.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                theirs
                    .lock()
                    .unwrap()
                    .spawn(connect(client, server, detour));
            }
        });
        Self {
            address,
            connections,
            _accepting: accepting,
        }
    }

    /// Cuts all connections. New ones are accepted.
    pub fn cut(&self) {
        self.connections.lock().unwrap().abort_all();
    }
}

async fn connect(mut client: TcpStream, server: SocketAddr, detour: Option<Detour>) {
    let Ok(mut server) = TcpStream::connect(server).await else {
        return;
    };
    // Ends with the connection.
    let _ = match detour {
        Some(detour) => forward(client, server, detour).await,
        None => copy_bidirectional(&mut client, &mut server).await.map(drop),
    };
}
