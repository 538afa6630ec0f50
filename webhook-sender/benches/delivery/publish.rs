//! Publishing: on the stream if there is one, and through the API otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::sender::{Sender, Setting};
use crate::workload;

/// The events of a batch: their numbers, and the tenant and type for each number.
#[derive(Clone, Copy)]
pub struct Batch {
    pub from: usize,
    pub to: usize,
    pub tenant: fn(usize) -> String,
    pub kind: fn(usize) -> String,
}

impl Batch {
    /// Events for the only endpoint of tenant `acme`.
    pub fn of(count: usize) -> Self {
        Self {
            from: 0,
            to: count,
            tenant: |_| "acme".into(),
            kind: |_| "order.shipped".into(),
        }
    }

    fn body(&self, number: usize) -> Bytes {
        let data = workload::data(number);
        let data = String::from_utf8_lossy(&data);
        let (id, kind) = (workload::id(number), (self.kind)(number));
        format!(r#"{{"id":"{id}","type":"{kind}","data":{data}}}"#).into()
    }
}

/// A publisher that keeps its connection open, for single events.
pub enum Publisher {
    Stream(redis::aio::MultiplexedConnection),
    Api(http1::SendRequest<Full<Bytes>>),
}

impl Publisher {
    pub async fn to(setting: &Setting, sender: &Sender) -> Result<Self> {
        match &setting.redis {
            Some(redis) => {
                let client = redis::Client::open(redis.url())?;
                Ok(Self::Stream(
                    client.get_multiplexed_async_connection().await?,
                ))
            }
            None => Ok(Self::Api(connect(&sender.api).await?)),
        }
    }

    pub async fn publish(&mut self, batch: Batch, number: usize) -> Result<()> {
        match self {
            Self::Stream(connection) => {
                add(batch, number).exec_async(connection).await?;
                Ok(())
            }
            Self::Api(connection) => post(connection, batch, number).await,
        }
    }
}

/// Adds a batch to the stream of the setting.
pub async fn to_stream(setting: &Setting, batch: Batch) -> Result<()> {
    let redis = setting.redis.as_ref().context("a stream")?;
    add_to(&redis.url(), batch).await
}

/// Adds a batch to the stream of a server, as fast as it accepts it.
pub async fn add_to(url: &str, batch: Batch) -> Result<()> {
    let client = redis::Client::open(url)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let numbers: Vec<_> = (batch.from..batch.to).collect();
    for chunk in numbers.chunks(500) {
        let mut pipeline = redis::pipe();
        for number in chunk {
            pipeline.add_command(add(batch, *number)).ignore();
        }
        pipeline.exec_async(&mut connection).await?;
    }
    Ok(())
}

/// Posts a batch to the API over 32 connections.
pub async fn to_api(sender: &Sender, batch: Batch) -> Result<()> {
    accept_over(sender, batch, 32).await
}

/// Posts a batch to the API over this many connections.
pub async fn accept_over(sender: &Sender, batch: Batch, connections: usize) -> Result<()> {
    let next = Arc::new(AtomicUsize::new(batch.from));
    let mut clients = JoinSet::new();
    for _ in 0..connections {
        let mut connection = connect(&sender.api).await?;
        let next = next.clone();
        clients.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= batch.to {
                    return anyhow::Ok(());
                }
                post(&mut connection, batch, number).await?;
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok(())
}

fn add(batch: Batch, number: usize) -> redis::Cmd {
    let mut command = redis::cmd("XADD");
    command
        .arg("events")
        .arg("*")
        .arg("id")
        .arg(workload::id(number))
        .arg("tenant")
        .arg((batch.tenant)(number))
        .arg("type")
        .arg((batch.kind)(number))
        .arg("data")
        .arg(&workload::data(number)[..]);
    command
}

/// Requests a path of the API over a connection of its own.
pub async fn get(sender: &Sender, path: &str) -> Result<Bytes> {
    Reader::to(sender).await?.get(path).await
}

/// A client that keeps its connection open, as a browser does.
pub struct Reader {
    api: String,
    connection: http1::SendRequest<Full<Bytes>>,
}

impl Reader {
    pub async fn to(sender: &Sender) -> Result<Self> {
        Ok(Self {
            api: sender.api.clone(),
            connection: connect(&sender.api).await?,
        })
    }

    /// Returns the body of a path as it is sent: compressed if the sender does so.
    pub async fn get(&mut self, path: &str) -> Result<Bytes> {
        if self.connection.ready().await.is_err() {
            // The sender has closed it.
            self.connection = connect(&self.api).await?;
        }
        let request = Request::get(path)
            .header("host", "localhost")
            .header("accept-encoding", "gzip");
        let request = request.body(Full::new(Bytes::new()))?;
        let response = self.connection.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        let shown = String::from_utf8_lossy(&body);
        ensure!(status == 200, "{path}: {status} {shown}");
        Ok(body)
    }
}

async fn connect(api: &str) -> Result<http1::SendRequest<Full<Bytes>>> {
    let address = api.strip_prefix("http://").context("an http url")?;
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn post(
    connection: &mut http1::SendRequest<Full<Bytes>>,
    batch: Batch,
    number: usize,
) -> Result<()> {
    let path = format!("/v1/tenants/{}/events", (batch.tenant)(number));
    let request = Request::post(path)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Full::new(batch.body(number)))?;
    connection.ready().await?;
    let response = connection.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    let shown = String::from_utf8_lossy(&body);
    ensure!(status == 202, "event {number}: {status} {shown}");
    Ok(())
}
