//! A load of clients that each send the next request when the last one is answered.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const CLIENTS: usize = 8;
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(4);

/// One request, sent over and over.
#[derive(Clone)]
pub struct Shot {
    pub method: &'static str,
    pub path: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

impl Shot {
    pub fn get(path: &'static str) -> Self {
        Self {
            method: "GET",
            path,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    fn request(&self, host: &str) -> anyhow::Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.path)
            .header("host", host);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        Ok(request.body(Full::new(self.body.clone()))?)
    }
}

/// Requests a second that eight clients get answered with 200.
///
/// # Errors
/// Any other answer, or a connection that breaks.
pub async fn requests_a_second(address: &str, shot: &Shot) -> anyhow::Result<f64> {
    run(address, shot, WARM_UP).await?;
    let start = Instant::now();
    let answered = run(address, shot, MEASURED).await?;
    Ok(answered as f64 / start.elapsed().as_secs_f64())
}

async fn run(address: &str, shot: &Shot, time: Duration) -> anyhow::Result<u64> {
    let end = Instant::now() + time;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(client(address.to_owned(), shot.clone(), end));
    }
    let mut answered = 0;
    while let Some(client) = clients.join_next().await {
        answered += client??;
    }
    Ok(answered)
}

async fn client(address: String, shot: Shot, end: Instant) -> anyhow::Result<u64> {
    let stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut answered = 0;
    while Instant::now() < end {
        sender.ready().await?;
        let answer = sender.send_request(shot.request(&address)?).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        anyhow::ensure!(
            status == StatusCode::OK,
            "`{}` was answered {status}: {}",
            shot.path,
            String::from_utf8_lossy(&body)
        );
        answered += 1;
    }
    Ok(answered)
}
