//! The cost of a delivery in this process: client, signatures, permits and records, without a
//! store.
//!
//! `cargo run -p webhook-sender --example throughput -- [deliveries] [endpoints]` delivers 1 KiB
//! bodies to a receiver in a separate process that only responds, and prints the deliveries per
//! second and the CPU time per delivery of this process.

#[path = "../tests/delivery_support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::World;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use webhook_sender::plan::DispatchPort;

const BODY: [u8; 1024] = [b'1'; 1024];

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "receiver") {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        return runtime.block_on(receive());
    }
    let number = |at: usize, default| arguments.get(at).map_or(default, |n| n.parse().unwrap());
    let (deliveries, endpoints) = (number(0, 100_000), number(1, 1));
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(send(deliveries, endpoints));
}

async fn send(deliveries: usize, endpoints: usize) {
    let (mut receiver, url) = start_receiver();
    let world = World::start().await;
    let mut all = vec![];
    for n in 0..endpoints {
        all.push(world.endpoint(&format!("ep-{n}"), &url, |_| {}).await);
    }
    let now = world.clock.now();
    for n in 0..deliveries {
        world
            .store
            .add(&all[n % endpoints], &format!("evt_{n}"), &BODY, now);
    }
    let (cpu, began) = (cpu_time(), Instant::now());
    world.dispatch_port.wake();
    for endpoint in &all {
        world.store.all_succeed(endpoint).await;
    }
    let (cpu, took) = (cpu_time() - cpu, began.elapsed());
    let a_second = deliveries as f64 / took.as_secs_f64();
    let each = cpu.as_secs_f64() * 1e6 / deliveries as f64;
    let calls = world.store.calls();
    println!("{a_second:.0} deliveries/s, {each:.1} µs CPU each, {calls:?}");
    let task = std::fs::read_to_string("/proc/self/status").unwrap();
    println!(
        "{}",
        task.lines()
            .find(|line| line.starts_with("VmHWM"))
            .unwrap_or_default()
    );
    world.end().await;
    receiver.kill().unwrap();
    receiver.wait().unwrap();
}

fn start_receiver() -> (Child, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut child = command
        .arg("receiver")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut address)
        .unwrap();
    (child, format!("http://{}/hooks", address.trim()))
}

async fn receive() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(respond(stream));
    }
}

/// Knows the length of the bodies.
async fn respond(mut stream: TcpStream) {
    let mut bytes = vec![0; 16 * 1024];
    let mut length = 0;
    stream.set_nodelay(true).unwrap();
    while let Ok(count @ 1..) = stream.read(&mut bytes[length..]).await {
        length += count;
        let head = bytes[..length]
            .windows(4)
            .position(|four| four == b"\r\n\r\n");
        if head.is_some_and(|head| length >= head + 4 + BODY.len()) {
            length = 0;
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .await
                .unwrap();
        }
    }
}

/// Returns the CPU time that this process has used, in user and kernel mode.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let behind_name = stat.rsplit(')').next().unwrap();
    let fields: Vec<_> = behind_name.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    // In hundredths of a second on every Linux.
    Duration::from_millis(ticks * 10)
}
