//! API clients that hold their connections.

use anyhow::{Context, Result};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use crate::config::TENANT;
use crate::world::World;

const CLIENTS: usize = 100;

/// The requests of a client that reads no response. The responses exceed the buffers in between.
const UNREAD: usize = 400;

pub async fn partial_heads(world: &mut World) -> Result<()> {
    let head = format!("POST /v1/tenants/{TENANT}/events HTTP/1.1\r\nHost: 127.0.0.1\r\nX-");
    connect(world, head.as_bytes()).await
}

pub async fn partial_bodies(world: &mut World) -> Result<()> {
    let half = format!(
        "POST /v1/tenants/{TENANT}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\
         Content-Type: application/json\r\nContent-Length: 60\r\n\r\n{{\"type\": \"order.shipped\","
    );
    connect(world, half.as_bytes()).await
}

pub async fn unread_responses(world: &mut World) -> Result<()> {
    let get = |path: &str| format!("GET /v1/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let live = get(&format!("tenants/{TENANT}/deliveries/stream"));
    for request in [get("openapi.json").repeat(UNREAD), live] {
        connect_some(world, CLIENTS / 2, request.as_bytes()).await?;
    }
    Ok(())
}

async fn connect(world: &mut World, bytes: &[u8]) -> Result<()> {
    connect_some(world, CLIENTS, bytes).await
}

async fn connect_some(world: &mut World, count: usize, bytes: &[u8]) -> Result<()> {
    for _ in 0..count {
        let client = client(world, bytes).await?;
        world.clients.push(client);
    }
    Ok(())
}

async fn client(world: &World, bytes: &[u8]) -> Result<TcpStream> {
    let address = world.senders[0].api.trim_start_matches("http://").parse()?;
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4096)?;
    let connecting = socket.connect(address).await;
    let mut client = connecting.context("a client cannot connect to the API")?;
    // The sender is allowed to stop reading before the rest is sent.
    let _ = tokio::time::timeout(
        std::time::Duration::from_millis(20),
        client.write_all(bytes),
    )
    .await;
    Ok(client)
}
