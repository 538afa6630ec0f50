//! A receiver that records what arrives and behaves as it is told.
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

use crate::within_patience;
use behaviour::{Answer, Dropped};

/// An HTTP/1.1 server on a free port of the loopback address, for as long as it lives.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    /// By path; a path that is not there is answered 200.
    behaviours: Mutex<HashMap<String, Behaviour>>,
    /// Every request whose body has come, in that order.
    requests: watch::Sender<Vec<Recorded>>,
    /// How many are being answered, and the most that ever were.
    at_once: Mutex<AtOnce>,
}

#[derive(Default)]
struct AtOnce {
    now: usize,
    most: usize,
}

/// A request that is being answered.
struct Place<'a>(&'a Mutex<AtOnce>);

impl<'a> Place<'a> {
    fn take(at_once: &'a Mutex<AtOnce>) -> Self {
        let mut count = at_once.lock().expect("nobody panics with it");
        count.now += 1;
        count.most = count.most.max(count.now);
        Self(at_once)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Ok(mut count) = self.0.lock() {
            count.now -= 1;
        }
    }
}

impl Receiver {
    /// Starts one that answers 200 to everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            behaviours: Mutex::default(),
            requests: watch::Sender::default(),
            at_once: Mutex::default(),
        });
        let serving = tokio::spawn(serve(listener, shared.clone()));
        Self {
            address,
            shared,
            serving,
        }
    }

    /// Sets how requests to a path are answered from now on.
    pub fn on(&self, path: &str, behaviour: Behaviour) {
        let mut behaviours = self
            .shared
            .behaviours
            .lock()
            .expect("nobody panics with it");
        behaviours.insert(path.to_owned(), behaviour);
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path (and query), which starts with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.requests.borrow().clone()
    }

    /// The requests to one path so far.
    pub fn requests_to(&self, path: &str) -> Vec<Recorded> {
        let mut requests = self.requests();
        requests.retain(|request| request.path == path);
        requests
    }

    /// Every request so far, once there are `count` at least.
    pub async fn received(&self, count: usize) -> Vec<Recorded> {
        let mut requests = self.shared.requests.subscribe();
        let enough = async {
            let requests = requests.wait_for(|requests| requests.len() >= count).await;
            requests
                .expect("the sender lives as long as the receiver")
                .clone()
        };
        let seen = || format!("{count} requests; these have come: {:#?}", self.requests());
        within_patience(enough, seen).await
    }

    /// The most requests that were ever being answered at the same time.
    pub fn most_at_once(&self) -> usize {
        self.shared
            .at_once
            .lock()
            .expect("nobody panics with it")
            .most
    }

    /// Forgets the requests so far.
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
    let service = service_fn(|request| answer(request, &shared));
    // It ends in an error where a behaviour drops it or the client goes away.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: http::Request<Incoming>, shared: &Shared) -> Result<Answer, Dropped> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Dropped)?.to_bytes();
    let recorded = Recorded::new(&head, &body);
    let behaviour = {
        let behaviours = shared.behaviours.lock().expect("nobody panics with it");
        behaviours.get(&recorded.path).cloned()
    };
    let _place = Place::take(&shared.at_once);
    let requests = shared.requests.subscribe();
    shared.requests.send_modify(|all| all.push(recorded));
    behaviour
        .unwrap_or(Behaviour::status(200))
        .perform(requests)
        .await
}
