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

/// The layer as most tests have it.
pub fn layer() -> VerifyLayer {
    VerifyLayer::new(keys(&[SECRET])).clock(|| NOW)
}

/// What the handler does with one request.
#[derive(Clone, Copy, Debug)]
pub enum Does {
    Answers(u16),
    Panics,
    NeverEnds,
    /// Answers 200 once [`Receiver::let_go`] was called.
    Waits,
    /// Answers 200 with a body in two parts, whose length is in the head or not.
    Streams {
        announced: bool,
    },
    /// Fails after the first part of such a body.
    BreaksOff {
        announced: bool,
    },
}

/// A receiver whose handler counts its calls and keeps what it was given.
#[derive(Clone)]
pub struct Receiver {
    url: String,
    state: Arc<State>,
}

struct State {
    does: Mutex<Does>,
    calls: AtomicUsize,
    got: Mutex<Vec<(Verified, Bytes)>>,
    called: Mutex<mpsc::UnboundedReceiver<()>>,
    call: mpsc::UnboundedSender<()>,
    go: tokio::sync::Semaphore,
}

impl Receiver {
    pub async fn start(layer: VerifyLayer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (call, called) = mpsc::unbounded_channel();
        let receiver = Self {
            url: format!("http://{address}/hook"),
            state: Arc::new(State {
                does: Mutex::new(Does::Answers(200)),
                calls: AtomicUsize::new(0),
                got: Mutex::default(),
                called: Mutex::new(called),
                call,
                go: tokio::sync::Semaphore::new(0),
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

    pub fn must(&self, does: Does) {
        *self.state.does.lock().unwrap() = does;
    }

    pub fn calls(&self) -> usize {
        self.state.calls.load(Ordering::SeqCst)
    }

    pub fn got(&self) -> Vec<(Verified, Bytes)> {
        self.state.got.lock().unwrap().clone()
    }

    /// Waits until the handler has been called once more.
    pub async fn called(&self) {
        let next =
            std::future::poll_fn(|context| self.state.called.lock().unwrap().poll_recv(context));
        let seen = || format!("the handler, called {} times", self.calls());
        test_support::within_patience(next, seen).await;
    }

    pub fn let_go(&self) {
        self.state.go.add_permits(1);
    }
}

async fn handle(
    Extension(receiver): Extension<Receiver>,
    Extension(verified): Extension<Verified>,
    body: Bytes,
) -> Response {
    let state = &receiver.state;
    state.calls.fetch_add(1, Ordering::SeqCst);
    state.got.lock().unwrap().push((verified, body));
    state.call.send(()).expect("the receiver is there");
    let does = *state.does.lock().unwrap();
    match does {
        Does::Answers(status) => StatusCode::from_u16(status)
            .expect("a status")
            .into_response(),
        Does::Panics => panic!("as the test wants it"),
        Does::NeverEnds => std::future::pending().await,
        Does::Waits => {
            state.go.acquire().await.expect("open").forget();
            StatusCode::OK.into_response()
        }
        Does::Streams { announced } => in_parts(announced, Ok("two")),
        Does::BreaksOff { announced } => in_parts(announced, Err("as the test wants it")),
    }
}

fn in_parts(announced: bool, second: Result<&'static str, &'static str>) -> Response {
    let parts = futures::stream::iter([Ok("one "), second]);
    let body = Body::from_stream(parts);
    match announced {
        true => ([("content-length", "7")], body).into_response(),
        false => body.into_response(),
    }
}
