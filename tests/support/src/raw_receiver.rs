//! A receiver that responds with given bytes, or with none.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Reads one request after the other and responds to each with the bytes that `respond` returns for its
/// number, counted over all connections; `None` closes the connection.
pub struct RawReceiver {
    pub address: SocketAddr,
    pub counts: Arc<Counts>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
pub struct Counts {
    pub(super) connections: AtomicUsize,
    pub(super) requests: AtomicUsize,
}

impl Counts {
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

type Respond = dyn Fn(usize) -> Option<Vec<u8>> + Send + Sync;

impl RawReceiver {
    pub async fn start(respond: impl Fn(usize) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", respond).await
    }

    pub async fn at(
        address: &str,
        respond: impl Fn(usize) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let counts = Arc::new(Counts::default());
        let serving = tokio::spawn(serve(listener, counts.clone(), Arc::new(respond)));
        Self {
            address,
            counts,
            serving,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Drop for RawReceiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, counts: Arc<Counts>, respond: Arc<Respond>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        counts.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(connection(stream, counts.clone(), respond.clone()));
    }
}

async fn connection(mut stream: TcpStream, counts: Arc<Counts>, respond: Arc<Respond>) {
    while read_request(&mut stream).await {
        let number = counts.requests.fetch_add(1, Ordering::SeqCst);
        let Some(bytes) = respond(number) else { return };
        // A client that has read enough disconnects.
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// Reads a request with the body that it announces. Returns false if there was none.
async fn read_request(stream: &mut TcpStream) -> bool {
    let mut request = Vec::new();
    loop {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return false;
        }
        let Some(head) = request.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
        let length = text.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        if request.len() >= head + 4 + length {
            return true;
        }
    }
}
