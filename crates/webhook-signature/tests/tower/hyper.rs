//! The layer without axum, and with bodies that no HTTP client sends.

use std::convert::Infallible;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower_layer::Layer;
use tower_service::Service;
use webhook_signature::Scheme;

use super::receiver::layer;
use super::sender::{BODY, headers, signed};

/// Responds with the request's body, and counts its calls.
#[derive(Clone, Default)]
struct Echo(Arc<AtomicUsize>);

impl Service<Request<Full<Bytes>>> for Echo {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        self.0.fetch_add(1, Ordering::SeqCst);
        ready(Ok(Response::new(request.into_body())))
    }
}

type Frames = Vec<Result<Frame<Bytes>, std::io::Error>>;

/// The status, the code of the problem if there is one, and the number of calls of the handler.
type Outcome = (u16, Option<String>, usize);

async fn send_frames(max: usize, frames: Frames) -> Outcome {
    send(max, StreamBody::new(futures::stream::iter(frames))).await
}

async fn send<B>(max: usize, body: B) -> Outcome
where
    B: Body<Data = Bytes, Error = std::io::Error> + Send + 'static,
{
    let echo = Echo::default();
    let mut service = layer().max_body_bytes(max).layer(echo.clone());
    let mut request = Request::post("/");
    for (name, value) in headers(Scheme::Standard, "evt_42", BODY) {
        request = request.header(name, value);
    }
    let response = service.call(request.body(body).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let code = serde_json::from_slice::<serde_json::Value>(&body)
        .ok()
        .and_then(|document| document["code"].as_str().map(str::to_owned));
    (status, code, echo.0.load(Ordering::SeqCst))
}

fn data(bytes: &'static [u8]) -> Result<Frame<Bytes>, std::io::Error> {
    Ok(Frame::data(Bytes::from_static(bytes)))
}

#[tokio::test]
async fn a_body_in_several_frames_is_reassembled() {
    let (start, end) = BODY.split_at(7);
    let outcome = send_frames(BODY.len(), vec![data(start), data(b""), data(end)]).await;
    assert_eq!(outcome, (200, None, 1));
}

#[tokio::test]
async fn a_body_of_unknown_length_is_read_up_to_the_limit() {
    let (start, end) = BODY.split_at(7);
    let broken = || Err(std::io::Error::other("read beyond the limit"));
    let frames = vec![data(start), data(end), broken()];
    let expected = (413, Some("body-too-long".to_owned()), 0);
    assert_eq!(send_frames(BODY.len() - 1, frames).await, expected);
}

/// A body that announces its length and must not be read.
struct Announced(u64);

impl Body for Announced {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        panic!("the body is read")
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}

#[tokio::test]
async fn a_body_that_announces_too_many_bytes_is_not_read() {
    let expected = (413, Some("body-too-long".to_owned()), 0);
    assert_eq!(send(1 << 20, Announced((1 << 20) + 1)).await, expected);
}

#[tokio::test]
async fn an_incomplete_body_never_reaches_the_handler() {
    let frames = vec![data(BODY), Err(std::io::Error::other("connection reset"))];
    let expected = (400, Some("body-broken-off".to_owned()), 0);
    assert_eq!(send_frames(1 << 20, frames).await, expected);
}

#[tokio::test]
async fn the_layer_protects_a_hyper_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let service = TowerToHyperService::new(layer().layer(Echo::default()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = auto::Builder::new(TokioExecutor::new());
            let service = service.clone();
            let stream = TokioIo::new(stream);
            tokio::spawn(async move { server.serve_connection(stream, service).await });
        }
    });
    let reply = signed(&url, "evt_42").send().await;
    assert_eq!((reply.status, &*reply.body), (200, BODY));
    let reply = signed(&url, "evt_42").body("{}").send().await;
    assert_eq!(reply.status, 400);
}
