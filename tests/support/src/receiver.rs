//! A receiver that records requests and has configurable behaviour.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use test_support::{Behaviour, Receiver, Request};
//!
//! let receiver = Receiver::start().await;
//! receiver.on("/gone", Behaviour::status(410));
//! assert_eq!(Request::post(receiver.url("/gone?a=b")).body("x").send().await.status, 410);
//!
//! let requests = receiver.received(1).await;
//! assert_eq!((requests[0].path.as_str(), requests[0].query.as_deref()), ("/gone", Some("a=b")));
//! assert_eq!(requests[0].body, b"x");
//! # }
//! ```

mod behaviour;
mod recorded;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use behaviour::Behaviour;
pub use recorded::Recorded;

use crate::with_timeout;
use behaviour::{Dropped, Reply};

/// An HTTP/1.1 server on a free loopback port. Dropping it stops the server.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    /// The behaviours by path. The default is a response with 200.
    behaviours: Mutex<HashMap<String, Behaviour>>,
    /// The requests, in the order in which their bodies were complete.
    requests: watch::Sender<Vec<Recorded>>,
    /// The number of requests in progress, and its maximum.
    concurrency: Mutex<Concurrency>,
}

#[derive(Default)]
struct Concurrency {
    now: usize,
    max: usize,
}

/// A request in progress.
struct InProgress<'a>(&'a Mutex<Concurrency>);

impl<'a> InProgress<'a> {
    fn begin(concurrency: &'a Mutex<Concurrency>) -> Self {
        let mut count = concurrency
            .lock()
            .expect("no thread panics while it holds the lock");
        count.now += 1;
        count.max = count.max.max(count.now);
        Self(concurrency)
    }
}

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        if let Ok(mut count) = self.0.lock() {
            count.now -= 1;
        }
    }
}

impl Receiver {
    /// Starts a receiver that responds with 200 to every request.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            behaviours: Mutex::default(),
            requests: watch::Sender::default(),
            concurrency: Mutex::default(),
        });
        let serving = tokio::spawn(serve(listener, shared.clone()));
        Self {
            address,
            shared,
            serving,
        }
    }

    /// Sets the behaviour for further requests to a path.
    pub fn on(&self, path: &str, behaviour: Behaviour) {
        let mut behaviours = self
            .shared
            .behaviours
            .lock()
            .expect("no thread panics while it holds the lock");
        behaviours.insert(path.to_owned(), behaviour);
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of a path (and query), which must start with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns the requests so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.requests.borrow().clone()
    }

    /// Returns the requests to one path so far.
    pub fn requests_to(&self, path: &str) -> Vec<Recorded> {
        let mut requests = self.requests();
        requests.retain(|request| request.path == path);
        requests
    }

    /// Waits for `count` requests, and returns all requests so far.
    pub async fn received(&self, count: usize) -> Vec<Recorded> {
        let mut requests = self.shared.requests.subscribe();
        let enough = async {
            let requests = requests.wait_for(|requests| requests.len() >= count).await;
            requests
                .expect("the sender lives as long as the receiver")
                .clone()
        };
        let seen = || format!("{count} requests; received so far: {:#?}", self.requests());
        with_timeout(enough, seen).await
    }

    /// Returns the maximum number of requests that were in progress at the same time.
    pub fn most_at_once(&self) -> usize {
        self.shared
            .concurrency
            .lock()
            .expect("no thread panics while it holds the lock")
            .max
    }

    /// Removes the requests so far.
    pub fn forget(&self) {
        self.shared.requests.send_modify(Vec::clear);
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(connection(stream, shared));
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(|request| respond(request, &shared));
    // The connection fails if a behaviour drops it or the client disconnects.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn respond(request: http::Request<Incoming>, shared: &Shared) -> Result<Reply, Dropped> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Dropped)?.to_bytes();
    let recorded = Recorded::new(&head, &body);
    let behaviour = {
        let behaviours = shared
            .behaviours
            .lock()
            .expect("no thread panics while it holds the lock");
        behaviours.get(&recorded.path).cloned()
    };
    let _in_progress = InProgress::begin(&shared.concurrency);
    let requests = shared.requests.subscribe();
    shared.requests.send_modify(|all| all.push(recorded));
    behaviour
        .unwrap_or(Behaviour::status(200))
        .perform(requests)
        .await
}
