//! TLS and HTTP/2.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use test_support::tls::{Authority, authority_as_server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use url::Url;
use webhook_client::{
    CallError, Client, MAX_BODY_BYTES, Response, Settings, WebhookRequest, certificates,
};
use webhook_model::{Protocol, RequestRecord, WireHeader};

use super::policy::loopback;

/// An HTTPS server, its authority, and its counters.
struct Server {
    url: String,
    authority: String,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    http2: AtomicUsize,
    bytes: AtomicUsize,
    crowd: Option<Crowd>,
}

/// Barriers that hold a server until a crowd of requests has come.
struct Crowd {
    /// Where every connection but the first waits, before TLS.
    connections: Barrier,
    /// Where every request waits.
    requests: Barrier,
}

impl Crowd {
    fn of(size: usize) -> Self {
        Self {
            connections: Barrier::new(size - 1),
            requests: Barrier::new(size),
        }
    }
}

async fn server(protocols: &[&str], body_bytes: usize) -> Server {
    server_at("127.0.0.1:0", protocols, body_bytes, Seen::default()).await
}

/// Its certificate is for 127.0.0.1, wherever it listens.
async fn server_at(address: &str, protocols: &[&str], body_bytes: usize, seen: Seen) -> Server {
    let authority = Authority::generate();
    let listener = TcpListener::bind(address).await.unwrap();
    let url = format!("https://{}/hooks?a=b", listener.local_addr().unwrap());
    let seen = Arc::new(seen);
    tokio::spawn(serve(
        listener,
        authority.acceptor(protocols),
        seen.clone(),
        body_bytes,
    ));
    Server {
        url,
        authority: authority.pem(),
        seen,
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, seen: Arc<Seen>, body_bytes: usize) {
    let mut first = true;
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (tls, seen) = (tls.clone(), seen.clone());
        let is_first = std::mem::take(&mut first);
        tokio::spawn(async move {
            if let Some(crowd) = seen.crowd.as_ref().filter(|_| !is_first) {
                crowd.connections.wait().await;
            }
            let Ok(stream) = tls.accept(stream).await else {
                return;
            };
            seen.connections.fetch_add(1, Ordering::SeqCst);
            let service = service_fn(move |request| respond(request, seen.clone(), body_bytes));
            let mut builder = Builder::new(TokioExecutor::new());
            builder.http2().max_concurrent_streams(4);
            let _ = builder
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn respond(
    request: http::Request<hyper::body::Incoming>,
    seen: Arc<Seen>,
    body_bytes: usize,
) -> Result<http::Response<Full<Bytes>>, hyper::Error> {
    if let Some(crowd) = &seen.crowd {
        crowd.requests.wait().await;
    }
    if request.version() == http::Version::HTTP_2 {
        seen.http2.fetch_add(1, Ordering::SeqCst);
    }
    assert_eq!(request.uri().path_and_query().unwrap(), "/hooks?a=b");
    assert_eq!(request.headers()["x-wss-signature"], "ab");
    let body = request.into_body().collect().await?.to_bytes();
    seen.bytes.fetch_add(body.len(), Ordering::SeqCst);
    let body = Full::new(Bytes::from(vec![b'x'; body_bytes]));
    let response = http::Response::builder()
        .status(202)
        .header("retry-after", "7")
        .body(body);
    Ok(response.unwrap())
}

fn client(authority: Option<&str>) -> Client {
    let extra = authority.map(|pem| certificates(pem.as_bytes()).unwrap());
    let settings = Settings {
        policy: loopback(),
        extra_roots: extra.unwrap_or_default(),
        ..Settings::default()
    };
    Client::new(settings).unwrap()
}

async fn post(client: &Client, url: &str, body: usize) -> Result<Response, CallError> {
    let post = WebhookRequest {
        url: &Url::parse(url).unwrap(),
        fairness_key: "acme",
        headers: &[("X-WSS-Signature", "ab")],
        body: &Bytes::from(vec![b'b'; body]),
        keep_response: 256,
        deadline: Instant::now() + Duration::from_secs(60),
    };
    client.post(&post).await
}

#[tokio::test]
async fn a_receiver_that_speaks_http2_gets_all_requests_on_a_few_connections() {
    let server = server(&["h2", "http/1.1"], 300).await;
    let client = client(Some(&server.authority));
    let posts = (0..40).map(|_| post(&client, &server.url, 100_000));
    for response in futures::future::join_all(posts).await {
        let response = response.unwrap();
        assert_eq!(
            (response.status, response.retry_after.as_deref()),
            (202, Some("7"))
        );
        assert_eq!(
            (&response.body[..], response.body_bytes),
            (&[b'x'; 256][..], 300)
        );
        let exchange = RequestRecord::new(&server.url).exchange([], 0, Some(&response.parts()));
        let received = exchange.response().unwrap();
        assert_eq!(exchange.request().unwrap().protocol, Some(Protocol::Http2));
        let retry_after = |header: &WireHeader| header.name == "retry-after" && header.value == "7";
        assert!(received.headers.iter().any(retry_after), "{received:?}");
    }
    assert_eq!(server.seen.http2.load(Ordering::SeqCst), 40);
    assert_eq!(server.seen.bytes.load(Ordering::SeqCst), 4_000_000);
    let connections = server.seen.connections.load(Ordering::SeqCst);
    assert!(connections < 40, "{connections} connections");
}

#[tokio::test]
async fn a_receiver_that_chooses_http1_over_tls_gets_requests_over_http1() {
    for protocols in [&["http/1.1"][..], &[]] {
        let server = server(protocols, 2).await;
        let client = client(Some(&server.authority));
        for _ in 0..3 {
            assert_eq!(post(&client, &server.url, 10).await.unwrap().status, 202);
        }
        assert_eq!(server.seen.http2.load(Ordering::SeqCst), 0);
        assert_eq!(server.seen.connections.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn requests_to_a_receiver_that_chooses_http1_connect_concurrently() {
    const CROWD: usize = 8;
    let seen = Seen {
        crowd: Some(Crowd::of(CROWD)),
        ..Seen::default()
    };
    let server = server_at("127.0.0.1:0", &["http/1.1"], 2, seen).await;
    let client = client(Some(&server.authority));
    // The first one dials; the others wait until it is known that they cannot share its connection.
    let posts = (0..CROWD).map(|_| post(&client, &server.url, 10));
    let posted = test_support::with_timeout(futures::future::join_all(posts), || {
        "as many connections at once as there are requests".into()
    });
    for response in posted.await {
        assert_eq!(response.unwrap().status, 202);
    }
    assert_eq!(server.seen.connections.load(Ordering::SeqCst), CROWD);
}

#[tokio::test]
async fn an_endless_body_over_http2_is_read_up_to_a_limit_and_the_connection_stays_usable() {
    let server = server(&["h2"], 64 * MAX_BODY_BYTES).await;
    let client = client(Some(&server.authority));
    for _ in 0..40 {
        assert_eq!(post(&client, &server.url, 10).await.unwrap().status, 202);
    }
    assert_eq!(server.seen.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let server = server(&["h2"], 2).await;
    let refused = post(&client(None), &server.url, 10).await.unwrap_err();
    let unknown = "the server's certificate is not issued by a trusted authority";
    assert_eq!(refused, CallError::Tls(unknown.into()));
    let other = Authority::generate().pem();
    let refused = post(&client(Some(&other)), &server.url, 10)
        .await
        .unwrap_err();
    assert!(matches!(refused, CallError::Tls(_)), "{refused:?}");
    assert_eq!(server.seen.bytes.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let server = server_at("127.0.0.2:0", &["h2"], 2, Seen::default()).await;
    let refused = post(&client(Some(&server.authority)), &server.url, 10)
        .await
        .unwrap_err();
    let other = "the server's certificate is not valid for `127.0.0.2`, but for `127.0.0.1`";
    assert_eq!(refused, CallError::Tls(other.into()));
}

#[tokio::test]
async fn the_certificate_of_an_authority_is_refused_with_a_clear_error() {
    let (tls, pem) = authority_as_server();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    tokio::spawn(serve(listener, tls, Arc::default(), 2));
    let refused = post(&client(Some(&pem)), &url, 10).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "no TLS: the server's certificate is that of an authority; it needs one issued for the server"
    );
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_reported_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = format!("https://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read_to_end(&mut vec![]).await;
    });
    let refused = post(&client(None), &plain, 10).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "no TLS: the server does not speak TLS correctly: invalid content type"
    );
}

#[test]
fn a_text_without_a_certificate_is_refused() {
    assert!(certificates(b"").is_err());
    assert!(certificates(b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").is_err());
}
