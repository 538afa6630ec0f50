//! An axum receiver behind the layer, on a socket of its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use webhook_signature::tower::{Verified, VerifyLayer};

use super::sender::{NOW, SECRET, keys};

/// Returns the layer that most tests use.
pub fn layer() -> VerifyLayer {
    VerifyLayer::new(keys(&[SECRET])).clock(|| NOW)
}

/// The behaviour of the handler for one request.
#[derive(Clone, Copy, Debug)]
pub enum Behaviour {
    Respond(u16),
    Panic,
    NeverEnd,
    /// Responds with 200 once [`Receiver::release`] was called.
    Wait,
    /// Responds with 200 and a body in two parts, with or without a `Content-Length`.
    Stream {
        announced: bool,
    },
    /// Fails after the first part of such a body.
    BreakOff {
        announced: bool,
    },
}

/// A receiver whose handler counts its calls and records its requests.
#[derive(Clone)]
pub struct Receiver {
    url: String,
    state: Arc<State>,
}

struct State {
    behaviour: Mutex<Behaviour>,
    calls: AtomicUsize,
    requests: Mutex<Vec<(Verified, Bytes)>>,
    called: Mutex<mpsc::UnboundedReceiver<()>>,
    call: mpsc::UnboundedSender<()>,
    released: tokio::sync::Semaphore,
}

impl Receiver {
    pub async fn start(layer: VerifyLayer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (call, called) = mpsc::unbounded_channel();
        let receiver = Self {
            url: format!("http://{address}/hook"),
            state: Arc::new(State {
                behaviour: Mutex::new(Behaviour::Respond(200)),
                calls: AtomicUsize::new(0),
                requests: Mutex::default(),
                called: Mutex::new(called),
                call,
                released: tokio::sync::Semaphore::new(0),
            }),
        };
        let app = Router::new()
            .route("/hook", post(handle))
            .layer(Extension(receiver.clone()))
            .layer(layer);
        tokio::spawn(async move { axum::serve(listener, app).await });
        receiver
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn set_behaviour(&self, behaviour: Behaviour) {
        *self.state.behaviour.lock().unwrap() = behaviour;
    }

    pub fn calls(&self) -> usize {
        self.state.calls.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> Vec<(Verified, Bytes)> {
        self.state.requests.lock().unwrap().clone()
    }

    /// Waits until the handler has been called once more.
    pub async fn called(&self) {
        let next =
            std::future::poll_fn(|context| self.state.called.lock().unwrap().poll_recv(context));
        let seen = || format!("the handler, called {} times", self.calls());
        test_support::with_timeout(next, seen).await;
    }

    pub fn release(&self) {
        self.state.released.add_permits(1);
    }
}

async fn handle(
    Extension(receiver): Extension<Receiver>,
    Extension(verified): Extension<Verified>,
    body: Bytes,
) -> Response {
    let state = &receiver.state;
    state.calls.fetch_add(1, Ordering::SeqCst);
    state.requests.lock().unwrap().push((verified, body));
    state.call.send(()).expect("the receiver exists");
    let behaviour = *state.behaviour.lock().unwrap();
    match behaviour {
        Behaviour::Respond(status) => StatusCode::from_u16(status)
            .expect("a status")
            .into_response(),
        Behaviour::Panic => panic!("intended by the test"),
        Behaviour::NeverEnd => std::future::pending().await,
        Behaviour::Wait => {
            state.released.acquire().await.expect("open").forget();
            StatusCode::OK.into_response()
        }
        Behaviour::Stream { announced } => in_parts(announced, Ok("two")),
        Behaviour::BreakOff { announced } => in_parts(announced, Err("intended by the test")),
    }
}

fn in_parts(announced: bool, second: Result<&'static str, &'static str>) -> Response {
    let parts = futures::stream::iter([Ok("one "), second]);
    let body = Body::from_stream(parts);
    if announced {
        ([("content-length", "7")], body).into_response()
    } else {
        body.into_response()
    }
}
