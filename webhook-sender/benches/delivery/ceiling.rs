//! The ceiling: a bare client that signs the same bodies and posts them to the same receiver,
//! without planning, storing or recording.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Instant, SystemTime};

use anyhow::Result;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use webhook_signature::{Credential, Message, Scheme, sign};

use crate::receiver::Receiver;
use crate::workload;

/// Returns the posts per second over this number of connections.
pub async fn posts_a_second(
    receiver: &Receiver,
    path: &'static str,
    connections: usize,
    posts: usize,
) -> Result<f64> {
    let next = Arc::new(AtomicUsize::new(0));
    let secret = webhook_signature::generate::shared(&[7; 32])?;
    let key = Arc::new([Credential::parse(secret.as_str())?]);
    let start = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(receiver.address).await?;
        stream.set_nodelay(true)?;
        clients.spawn(client(stream, path, key.clone(), next.clone(), posts));
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    let rate = posts as f64 / start.elapsed().as_secs_f64();
    receiver.take();
    Ok(rate)
}

async fn client(
    stream: TcpStream,
    path: &'static str,
    key: Arc<[Credential; 1]>,
    next: Arc<AtomicUsize>,
    posts: usize,
) -> Result<()> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= posts {
            return Ok(());
        }
        sender.ready().await?;
        let response = sender
            .send_request(request(path, &key[..], number)?)
            .await?;
        response.into_body().collect().await?;
    }
}

fn request(path: &str, key: &[Credential], number: usize) -> Result<Request<Full<Bytes>>> {
    let body = workload::data(number);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let id = workload::id(number);
    let message = Message {
        id: &id,
        timestamp: now.as_secs(),
        body: &body,
    };
    let mut request = Request::post(path)
        .header("host", "receiver")
        .header("content-type", "application/json");
    for scheme in [Scheme::Wss, Scheme::Standard] {
        for (name, value) in sign(scheme, key, &message)? {
            request = request.header(name, value);
        }
    }
    Ok(request.body(Full::new(body))?)
}
