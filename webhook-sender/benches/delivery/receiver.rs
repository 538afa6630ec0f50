//! The receiver: a minimal HTTP/1.1 server, so that the sender is what is measured.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;

const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// The arrivals, by the number at the end of their `webhook-id`.
#[derive(Clone, Copy)]
pub struct Arrival {
    pub number: u32,
    pub at: Instant,
}

/// Responds on a separate thread. The path selects the delay:
///
/// | path | delay |
/// |---|---|
/// | `/now…` | at once |
/// | `/later…` | after 20 ms |
/// | `/hang…` | after 10 s |
/// | `/gated…` | once the gate is open |
/// | `/gated-later…` | 20 ms after that |
pub struct Receiver {
    pub address: SocketAddr,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    /// The number of responses since the last [`Receiver::take`].
    count: Arc<watch::Sender<usize>>,
    gate: watch::Sender<bool>,
}

#[derive(Clone)]
struct Shared {
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    count: Arc<watch::Sender<usize>>,
    gate: watch::Receiver<bool>,
}

impl Receiver {
    pub fn start() -> Self {
        let arrivals = Arc::new(Mutex::new(Vec::with_capacity(1 << 16)));
        let count = Arc::new(watch::Sender::new(0));
        let (gate, gated) = watch::channel(false);
        let shared = Shared {
            arrivals: arrivals.clone(),
            count: count.clone(),
            gate: gated,
        };
        let (listening, address) = std::sync::mpsc::channel();
        std::thread::spawn(move || serve(shared, &listening));
        let address = address.recv().expect("it listens");
        Self {
            address,
            arrivals,
            count,
            gate,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Waits until this number of responses was sent since the last [`Receiver::take`].
    pub async fn responded(&self, count: usize) {
        let mut counted = self.count.subscribe();
        counted
            .wait_for(|now| *now >= count)
            .await
            .expect("the receiver runs");
    }

    /// Waits until this number of events with numbers below `number` have arrived since the last
    /// [`Receiver::take`].
    pub async fn responded_below(&self, number: usize, count: usize) {
        let mut counted = self.count.subscribe();
        while self.below(number) < count {
            counted.changed().await.expect("the receiver runs");
        }
    }

    fn below(&self, number: usize) -> usize {
        let arrivals = self.arrivals.lock().expect("nobody panics with it");
        let below = arrivals.iter();
        let below = below.filter(|arrival| (arrival.number as usize) < number);
        below.count()
    }

    pub fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// Returns all arrivals so far, and resets them.
    pub fn take(&self) -> Vec<Arrival> {
        let mut arrivals = self.arrivals.lock().expect("nobody panics with it");
        self.count.send_replace(0);
        std::mem::take(&mut *arrivals)
    }

    pub fn open(&self, open: bool) {
        self.gate.send_replace(open);
    }
}

/// The backlog of connections. Connections beyond it are retried after a second, which would be
/// attributed to the sender.
const BACKLOG: u32 = 4096;

fn serve(shared: Shared, listening: &std::sync::mpsc::Sender<SocketAddr>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let socket = TcpSocket::new_v4().expect("a socket");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(any).expect("a free port");
        let listener = socket.listen(BACKLOG).expect("a listener");
        let _ = listening.send(listener.local_addr().expect("an address"));
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream, shared.clone()));
        }
    });
}

async fn connection(mut stream: TcpStream, mut shared: Shared) {
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::with_capacity(4096);
    loop {
        let Some(length) = whole_request(&buffer) else {
            match stream.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => continue,
            }
        };
        let path = buffer.get(6).copied().unwrap_or(0);
        let later = find(&buffer[..64.min(buffer.len())], b"later").is_some();
        let arrival = Arrival {
            number: number(&buffer),
            at: Instant::now(),
        };
        buffer.drain(..length);
        wait(path, later, &mut shared.gate).await;
        if stream.write_all(RESPONSE).await.is_err() {
            return;
        }
        shared.note(arrival);
    }
}

impl Shared {
    fn note(&self, arrival: Arrival) {
        let mut arrivals = self.arrivals.lock().expect("nobody panics with it");
        arrivals.push(arrival);
        self.count.send_replace(arrivals.len());
    }
}

async fn wait(path: u8, later: bool, gate: &mut watch::Receiver<bool>) {
    match path {
        b'h' => tokio::time::sleep(Duration::from_secs(10)).await,
        b'g' => drop(gate.wait_for(|open| *open).await),
        _ => {}
    }
    if later {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Returns the bytes of the first request in `buffer`, if it is complete.
fn whole_request(buffer: &[u8]) -> Option<usize> {
    let head = find(buffer, b"\r\n\r\n")? + 4;
    let length = value(&buffer[..head], b"content-length: ")?;
    let length: usize = std::str::from_utf8(length).ok()?.parse().ok()?;
    (buffer.len() >= head + length).then_some(head + length)
}

/// Returns the digits at the end of the event's id.
fn number(request: &[u8]) -> u32 {
    let id = value(request, b"webhook-id: ").unwrap_or_default();
    let digits = id
        .iter()
        .rposition(|byte| !byte.is_ascii_digit())
        .map_or(0, |at| at + 1);
    let digits = std::str::from_utf8(&id[digits..]).ok();
    digits
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(u32::MAX)
}

fn value<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let start = find(head, name)? + name.len();
    let end = find(&head[start..], b"\r\n")?;
    Some(&head[start..start + end])
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let matches = |window: &[u8]| window.eq_ignore_ascii_case(needle);
    haystack.windows(needle.len()).position(matches)
}
