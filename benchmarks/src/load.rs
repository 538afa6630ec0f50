//! A closed-loop load: each client sends its next request after the last response.

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

/// A request that is sent repeatedly.
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

/// Returns the number of requests per second that eight clients complete with 200.
///
/// # Errors
///
/// Another status, or a failed connection.
pub async fn requests_per_second(address: &str, shot: &Shot) -> anyhow::Result<f64> {
    run(address, shot, WARM_UP).await?;
    let start = Instant::now();
    let completed = run(address, shot, MEASURED).await?;
    Ok(completed as f64 / start.elapsed().as_secs_f64())
}

async fn run(address: &str, shot: &Shot, time: Duration) -> anyhow::Result<u64> {
    let end = Instant::now() + time;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(client(address.to_owned(), shot.clone(), end));
    }
    let mut completed = 0;
    while let Some(client) = clients.join_next().await {
        completed += client??;
    }
    Ok(completed)
}

async fn client(address: String, shot: Shot, end: Instant) -> anyhow::Result<u64> {
    let stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut completed = 0;
    while Instant::now() < end {
        sender.ready().await?;
        let response = sender.send_request(shot.request(&address)?).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        anyhow::ensure!(
            status == StatusCode::OK,
            "the response to `{}` is {status}: {}",
            shot.path,
            String::from_utf8_lossy(&body)
        );
        completed += 1;
    }
    Ok(completed)
}
