//! A receiver that counts what arrives by its `webhook-id`, checks every signature, and can be
//! killed and started again on its port, and a link to it that can stall.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use test_support::with_timeout;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use webhook_signature::{Credential, Freshness, Request, Scheme, verify};

use crate::sender::SECRET;

/// The responses of a receiver, across its restarts.
#[derive(Clone)]
pub struct Counts {
    /// The number of 200 responses for each event.
    responded: Arc<watch::Sender<HashMap<String, u32>>>,
    /// The reasons of 400 responses.
    refused: Arc<Mutex<Vec<String>>>,
}

impl Counts {
    fn new() -> Self {
        Self {
            responded: Arc::new(watch::Sender::new(HashMap::new())),
            refused: Arc::default(),
        }
    }

    /// Returns the reasons of rejected signatures.
    pub fn refused(&self) -> Vec<String> {
        self.refused
            .lock()
            .expect("no code that can panic runs under this lock")
            .clone()
    }

    /// Waits until this many different events have arrived.
    pub async fn reach(&self, different: usize) {
        let mut changes = self.responded.subscribe();
        let seen = changes.wait_for(|counts| counts.len() >= different);
        let state = || format!("{} of {different} events arrived", self.different());
        with_timeout(seen, state).await.expect("the counts live");
    }

    pub fn different(&self) -> usize {
        self.responded.borrow().len()
    }

    /// Returns the number of arrivals beyond the first of each event.
    pub fn duplicates(&self) -> usize {
        let counts = self.responded.borrow();
        counts.values().map(|count| *count as usize - 1).sum()
    }

    fn note(&self, id: &str) {
        self.responded
            .send_modify(|counts| *counts.entry(id.to_owned()).or_default() += 1);
    }
}

/// The receiver. It is killed when it is dropped.
pub struct Receiver {
    pub address: SocketAddr,
    pub counts: Counts,
    runtime: Option<tokio::runtime::Runtime>,
}

#[derive(Clone)]
struct Shared {
    counts: Counts,
    keys: Arc<Vec<Credential>>,
    /// The time until it responds.
    takes: Duration,
}

impl Receiver {
    pub async fn start(takes: Duration) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::start_at(address, Counts::new(), takes).await
    }

    /// Ends it with all its connections, as a kill of its process would.
    pub fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Starts it again on the same port.
    pub async fn restart(&mut self, takes: Duration) {
        let again = Self::start_at(self.address, self.counts.clone(), takes).await;
        *self = again;
    }

    async fn start_at(address: SocketAddr, counts: Counts, takes: Duration) -> Self {
        // A runtime of its own, so that dropping it closes every connection.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let bind = async move {
            loop {
                // The port is free once the connections of the one before are closed.
                match TcpListener::bind(address).await {
                    Ok(listener) => return listener,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        let listener = runtime.spawn(bind).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Shared {
            counts: counts.clone(),
            keys: Arc::new(vec![Credential::parse(SECRET).expect("a secret")]),
            takes,
        };
        let router = axum::Router::new()
            .fallback(axum::routing::post(receive))
            .with_state(shared);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            counts,
            runtime: Some(runtime),
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn receive(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let fields = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = Freshness::at(now.expect("after 1970").as_secs());
    let request = Request::new(fields, &body);
    match verify(&shared.keys, &request, now, Scheme::Standard) {
        Ok(verified) => {
            tokio::time::sleep(shared.takes).await;
            shared.counts.note(verified.id.unwrap_or_default());
            StatusCode::OK
        }
        Err(refusal) => {
            let mut refused = shared.counts.refused.lock().expect("nobody panics with it");
            refused.push(refusal.to_string());
            StatusCode::BAD_REQUEST
        }
    }
}

/// A link to an address that passes bytes on, until it stalls: then connections stay open and
/// nothing comes through.
pub struct Link {
    pub address: SocketAddr,
    stalled: watch::Sender<bool>,
}

impl Link {
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stalled, watched) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let watched = watched.clone();
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(target).await else {
                        return;
                    };
                    let (near_in, near_out) = near.into_split();
                    let (far_in, far_out) = far.into_split();
                    let there = pass(near_in, far_out, watched.clone());
                    let back = pass(far_in, near_out, watched);
                    tokio::join!(there, back);
                });
            }
        });
        Self { address, stalled }
    }

    pub fn stall(&self, stalled: bool) {
        self.stalled.send_replace(stalled);
    }
}

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut stalled: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        if stalled.wait_for(|stalled| !stalled).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
