//! A gateway in front of a broker of Kafka that has neither TLS nor users. It encrypts, and authenticates
//! clients.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::contract::kafka_wire::{Detour, forward};
use crate::contract::sasl::{Account, authenticate};

/// A gateway. Dropping it cuts everything.
pub struct Gateway {
    pub address: SocketAddr,
    /// The mechanism of each client that was authenticated.
    mechanisms: Arc<Mutex<Vec<String>>>,
    _accepting: JoinSet<()>,
}

impl Gateway {
    pub async fn to(broker: SocketAddr, acceptor: TlsAcceptor, account: Account) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let detour = Detour {
            broker,
            proxy: address,
        };
        let mechanisms = Arc::new(Mutex::new(Vec::new()));
        let authenticated = mechanisms.clone();
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, authenticated) = (acceptor.clone(), authenticated.clone());
                connections.spawn(async move {
                    serve(client, acceptor, account, detour, &authenticated).await
                });
            }
        });
        Self {
            address,
            mechanisms,
            _accepting: accepting,
        }
    }

    /// Returns the mechanisms by which clients were authenticated, in order, each once.
    pub fn mechanisms(&self) -> Vec<String> {
        let mut all = self.mechanisms.lock().unwrap().clone();
        all.sort();
        all.dedup();
        all
    }
}

async fn serve(
    client: TcpStream,
    acceptor: TlsAcceptor,
    account: Account,
    detour: Detour,
    authenticated: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let mut client = acceptor.accept(client).await?;
    let mut broker = TcpStream::connect(detour.broker).await?;
    let mechanism = authenticate(&mut client, &mut broker, account).await?;
    authenticated.lock().unwrap().push(mechanism);
    forward(client, broker, detour).await
}
