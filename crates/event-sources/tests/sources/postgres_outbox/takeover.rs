//! Readers that end without a word.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::world::World;
use crate::recorder::Recorder;

/// A network to a server, on which nothing arrives any more once it is silent.
struct Network {
    address: SocketAddr,
    silent: watch::Sender<bool>,
}

impl Network {
    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (silent, seen) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server).await.unwrap();
                let (client, server) = (client.into_split(), server.into_split());
                tokio::spawn(pass(client.0, server.1, seen.clone()));
                tokio::spawn(pass(server.0, client.1, seen.clone()));
            }
        });
        Self { address, silent }
    }
}

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut silent: watch::Receiver<bool>,
) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if silent.wait_for(|silent| !silent).await.is_err()
            || to.write_all(&bytes[..count]).await.is_err()
        {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_out_of_reach_is_replaced() {
    let world = World::new().await;
    let network = Network::to(world.address()).await;
    let (gone, next) = (Recorder::new(), Recorder::new());
    let writer = world.client().await;
    let first = world.intake_at(network.address, &gone);
    world.insert(&writer, "1").await;
    gone.taken(1).await;
    world.has_rows(0).await;
    let second = world.intake_at(world.address(), &next);
    world.insert(&writer, "2").await;
    gone.taken(2).await;
    world.has_rows(0).await;
    assert_eq!(next.data(), [""; 0], "one of them reads");
    network.silent.send_replace(true);
    world.insert(&writer, "3").await;
    next.taken(1).await;
    assert_eq!(next.data(), ["3"]);
    drop(first);
    second.stop().await;
}
