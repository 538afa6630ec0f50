//! Connections between deliveries.

use std::time::Duration;

use bytes::Bytes;
use test_support::{RawReceiver, with_timeout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use url::Url;
use webhook_client::{
    CallError, Client, MAX_BODY_BYTES, MAX_HEAD_BYTES, Response, Settings, WebhookRequest,
};
use webhook_model::RequestRecord;

use super::policy::loopback;

fn client() -> Client {
    let settings = Settings {
        policy: loopback(),
        ..Settings::default()
    };
    Client::new(settings).unwrap()
}

async fn post(client: &Client, url: &str) -> Result<Response, CallError> {
    post_within(client, url, Duration::from_secs(60)).await
}

async fn post_within(client: &Client, url: &str, time: Duration) -> Result<Response, CallError> {
    let post = WebhookRequest {
        url: &Url::parse(url).unwrap(),
        fairness_key: "acme",
        headers: &[("X-Test", "1")],
        body: &Bytes::from_static(b"{}"),
        keep_response: 256,
        deadline: Instant::now() + time,
    };
    client.post(&post).await
}

/// Returns the number of connections that three requests take, each with this response.
async fn connections(response: &str) -> usize {
    let bytes = response.as_bytes().to_vec();
    let receiver = RawReceiver::start(move |_| Some(bytes.clone())).await;
    let client = client();
    for _ in 0..3 {
        assert_eq!(
            post(&client, &receiver.url()).await.unwrap().status,
            200,
            "{response:?}"
        );
    }
    assert_eq!(receiver.counts.requests(), 3, "{response:?}");
    receiver.counts.connections()
}

#[tokio::test]
async fn a_connection_is_reused_only_after_a_complete_and_regular_response() {
    let again = [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ];
    for response in again {
        assert_eq!(connections(response).await, 1, "{response:?}");
    }
    let too_long = "x".repeat(MAX_BODY_BYTES + 1);
    let too_long = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{too_long}",
        too_long.len()
    );
    let never = [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 No\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n",
        // The client closes it before the receiver does.
        "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok",
        too_long.as_str(),
    ];
    for response in never {
        assert_eq!(connections(response).await, 3, "{response:?}");
    }
}

#[tokio::test]
async fn a_request_lost_on_a_pooled_connection_is_not_sent_again() {
    // The second request on the connection is read and dropped.
    let receiver = RawReceiver::start(|n| {
        (n != 1).then(|| b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec())
    })
    .await;
    let client = client();
    assert_eq!(post(&client, &receiver.url()).await.unwrap().status, 200);
    let failed = post(&client, &receiver.url()).await.unwrap_err();
    assert!(matches!(failed, CallError::Respond(_)), "{failed:?}");
    assert_eq!(
        (receiver.counts.requests(), receiver.counts.connections()),
        (2, 1)
    );
    assert_eq!(post(&client, &receiver.url()).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_request_lost_on_a_new_connection_is_not_sent_again() {
    let receiver = RawReceiver::start(|_| None).await;
    let failed = post(&client(), &receiver.url()).await.unwrap_err();
    assert!(matches!(failed, CallError::Respond(_)), "{failed:?}");
    assert_eq!(receiver.counts.requests(), 1);
}

#[tokio::test]
async fn an_irregularity_after_the_status_only_prevents_reuse_of_the_connection() {
    let many = "X-Many: x\r\n".repeat(101);
    let long = format!("X-Long: {}\r\n", "x".repeat(MAX_HEAD_BYTES));
    let irregularities = [
        "Set-Cookie: a=\x01b\r\n",
        "Set-Cookie: a=\0b\r\n",
        "a line without a colon\r\n",
        "X-Folded: one\r\n two\r\n",
        "X-Spaced : x\r\n",
        "X-Bare: a\rb\r\n",
        "Content-Length: 3\r\n",
        many.as_str(),
        long.as_str(),
    ];
    for irregular in irregularities {
        for before in ["", "HTTP/1.1 100 Continue\r\n\r\n"] {
            let response =
                format!("{before}HTTP/1.1 200 OK\r\n{irregular}Content-Length: 2\r\n\r\nok");
            assert_eq!(connections(&response).await, 3, "{response:?}");
        }
    }
    let irregular_interim =
        "HTTP/1.1 103 Hints\r\nno colon\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    assert_eq!(connections(irregular_interim).await, 3);
}

#[tokio::test]
async fn an_irregular_head_keeps_the_rest_of_the_response() {
    let receiver = RawReceiver::start(|_| {
        let head = "HTTP/1.1 503 Busy\r\nno colon\r\nRetry-After : 7\r\n";
        Some(format!("{head}Content-Length: 4\r\n\r\nbusy").into())
    })
    .await;
    let response = post(&client(), &receiver.url()).await.unwrap();
    assert_eq!(
        (response.status, response.retry_after.as_deref()),
        (503, Some("7"))
    );
    assert_eq!(response.body, b"busy");
    let exchange = RequestRecord::new(&receiver.url()).exchange([], 0, Some(&response.parts()));
    let headers = exchange.response().unwrap().headers;
    let names: Vec<_> = headers.iter().map(|header| &*header.name).collect();
    assert_eq!(names, ["Retry-After", "Content-Length"]);
}

#[tokio::test]
async fn a_body_without_a_clear_length_is_not_awaited() {
    // The connection stays open, and the deadline is far away.
    for line in [
        "Content-Length 2",
        "Content-Length: 2x",
        "Content-Length: 2, 3",
    ] {
        let receiver = RawReceiver::start(move |_| {
            Some(format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\nok").into())
        })
        .await;
        let (client, url) = (client(), receiver.url());
        let response = post_within(&client, &url, Duration::from_secs(3600));
        let response = with_timeout(response, || format!("the response to {line}")).await;
        assert_eq!(response.unwrap().status, 200, "{line}");
    }
}

#[tokio::test]
async fn a_head_that_is_cut_off_keeps_its_status() {
    let cuts: [&'static [u8]; 3] = [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 200 ",
    ];
    for cut in cuts {
        let (url, _serving) = serve_once(cut).await;
        assert_eq!(post(&client(), &url).await.unwrap().status, 200, "{cut:?}");
    }
    for cut in [&b"HTTP/1.1 20"[..], b"HTTP/1.1 100 Continue\r\n"] {
        let (url, _serving) = serve_once(cut).await;
        let failed = post(&client(), &url).await.unwrap_err();
        assert!(matches!(failed, CallError::Respond(_)), "{cut:?}: {failed}");
    }
}

/// Starts a receiver that reads one request, sends `bytes` and closes the connection.
async fn serve_once(bytes: &'static [u8]) -> (String, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n{}") {
            request.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    (url, serving)
}

#[tokio::test]
async fn a_head_that_stalls_after_its_status_keeps_it() {
    let receiver = RawReceiver::start(|n| match n {
        0 => Some(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()),
        _ => Some(b"HTTP/1.1 202 Accepted\r\nContent-Le".to_vec()),
    })
    .await;
    let client = client();
    post(&client, &receiver.url()).await.unwrap();
    let stalled = post_within(&client, &receiver.url(), Duration::from_millis(200)).await;
    assert_eq!(stalled.unwrap().status, 202);
    assert_eq!(receiver.counts.requests(), 2);
}

#[tokio::test]
async fn a_response_whose_body_breaks_off_keeps_its_status() {
    let receiver = RawReceiver::start(|_| {
        Some(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\nbegun".to_vec())
    })
    .await;
    let response = post_within(&client(), &receiver.url(), Duration::from_millis(200))
        .await
        .unwrap();
    assert_eq!(
        (response.status, response.body.as_slice()),
        (201, &b"begun"[..])
    );
}

#[tokio::test]
async fn an_endless_head_is_read_up_to_a_limit() {
    let receiver = RawReceiver::start(|_| {
        let mut head = b"HTTP/1.1 200 OK\r\nX-Long: ".to_vec();
        head.resize(1 << 20, b'x');
        Some(head)
    })
    .await;
    let response = post(&client(), &receiver.url()).await.unwrap();
    assert_eq!((response.status, response.body.len()), (200, 0));
    let endless =
        RawReceiver::start(|_| Some(b"HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000))).await;
    let failed = post(&client(), &endless.url()).await.unwrap_err();
    assert_eq!(failed, CallError::Broken("its head is too long".into()));
}

#[tokio::test]
async fn a_header_that_would_end_its_line_is_not_sent() {
    let receiver = RawReceiver::start(|_| None).await;
    let post = WebhookRequest {
        url: &Url::parse(&receiver.url()).unwrap(),
        fairness_key: "acme",
        headers: &[("X-Split", "a\r\nX-Forged: b")],
        body: &Bytes::new(),
        keep_response: 256,
        deadline: Instant::now() + Duration::from_secs(60),
    };
    let failed = client().post(&post).await.unwrap_err();
    assert_eq!(failed, CallError::Header("X-Split".into()));
    assert_eq!(receiver.counts.connections(), 0);
}

#[tokio::test]
async fn an_interim_response_does_not_stop_the_sending_of_a_long_body() {
    // More than the buffers between the two hold.
    let body = Bytes::from(vec![b'x'; 32 << 20]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let length = body.len();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let mut part = vec![0; length / 2];
        for interim in ["100 Continue", "103 Early Hints"] {
            let response = format!("HTTP/1.1 {interim}\r\n\r\n");
            stream.write_all(response.as_bytes()).await.unwrap();
            stream.read_exact(&mut part).await.unwrap();
        }
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(response).await.unwrap();
    });
    let post = WebhookRequest {
        url: &Url::parse(&url).unwrap(),
        fairness_key: "acme",
        headers: &[],
        body: &body,
        keep_response: 256,
        deadline: Instant::now() + Duration::from_secs(60),
    };
    assert_eq!(client().post(&post).await.unwrap().status, 200);
}

#[tokio::test]
async fn an_early_response_is_read_before_the_body_is_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 100]).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
            .await
            .unwrap();
        // Reads no more, and keeps the connection.
        stream
    });
    let post = WebhookRequest {
        url: &Url::parse(&url).unwrap(),
        fairness_key: "acme",
        headers: &[],
        body: &Bytes::from(vec![0; 64 << 20]),
        keep_response: 256,
        deadline: Instant::now() + Duration::from_secs(60),
    };
    assert_eq!(client().post(&post).await.unwrap().status, 413);
    drop(serving.await.unwrap());
}
