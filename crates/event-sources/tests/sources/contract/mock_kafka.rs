//! Kafka: the mock cluster of the client library, which speaks the protocol over TCP.
//!
//! It keeps its messages in memory, of each partition the last 5 MB. It cannot be emptied.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;

use rdkafka::mocking::MockCluster;

/// A cluster of one broker. It may not leave its thread.
pub struct MockKafka {
    address: SocketAddr,
    calls: mpsc::Sender<Call>,
}

type Call = Box<dyn FnOnce(&MockCluster<'_, rdkafka::producer::DefaultProducerContext>) + Send>;

impl MockKafka {
    pub fn start() -> Self {
        let (calls, received) = mpsc::channel::<Call>();
        let (started, address) = mpsc::channel();
        std::thread::spawn(move || {
            let cluster = MockCluster::new(1).expect("a mock cluster");
            started.send(cluster.bootstrap_servers()).expect("a test");
            for call in received {
                call(&cluster);
            }
        });
        let address = address.recv().expect("a mock cluster");
        Self {
            address: address.parse().expect("an address"),
            calls,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn create_topic(&self, topic: &str, partitions: i32) {
        let topic = topic.to_owned();
        self.call(move |cluster| cluster.create_topic(&topic, partitions, 1).unwrap());
    }

    /// Ends the connections, and accepts no others.
    pub fn down(&self) {
        self.call(|cluster| cluster.broker_down(1).unwrap());
    }

    pub fn up(&self) {
        self.call(|cluster| cluster.broker_up(1).unwrap());
    }

    /// Delays every response.
    pub fn delay(&self, delay: Duration) {
        self.call(move |cluster| cluster.broker_round_trip_time(1, delay).unwrap());
    }

    fn call(
        &self,
        call: impl FnOnce(&MockCluster<'_, rdkafka::producer::DefaultProducerContext>) + Send + 'static,
    ) {
        let (done, result) = mpsc::channel();
        let call: Call = Box::new(move |cluster| {
            call(cluster);
            let _ = done.send(());
        });
        self.calls.send(call).expect("the thread of the cluster");
        result.recv().expect("a call that succeeds");
    }
}
