//! Kafka over TLS, with users and with certificates of clients.

use std::path::PathBuf;

use event_sources::kafka::{Address, ClientCertificate, KafkaTopics, Sasl, Settings, Tls};
use event_sources::{Intake, Sink};
use futures::future::join_all;
use tempfile::TempDir;
use test_support::tansu::TansuServer;
use test_support::tls::Authority;
use tokio_util::sync::CancellationToken;
use webhook_model::Clock;

use crate::contract::entry::Entry;
use crate::contract::gateway::Gateway;
use crate::contract::kafka_client::publish;
use crate::contract::sasl::Account;
use crate::recorder::Recorder;

const TOPIC: &str = "encrypted";

const ACCOUNT: Account = Account {
    user: "me",
    password: "s3cret/",
};

/// A broker with an entry, behind a gateway that accepts only clients with a certificate of its authority.
struct World {
    _broker: TansuServer,
    gateway: Gateway,
    authority: Authority,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let broker = TansuServer::start().await;
        broker.create_topic(TOPIC, 1);
        let entry = Entry {
            tenant: "acme",
            id: "1".into(),
            data: b"1",
        };
        publish(broker.address(), TOPIC, &[entry], 0).await;
        let authority = Authority::generate();
        let acceptor = authority.acceptor_of_its_clients();
        Self {
            gateway: Gateway::to(broker.address(), acceptor, ACCOUNT).await,
            _broker: broker,
            authority,
            folder: TempDir::new().unwrap(),
        }
    }

    /// Writes the certificate of an authority.
    fn file(&self, name: &str, authority: &Authority) -> PathBuf {
        let file = self.folder.path().join(name);
        std::fs::write(&file, authority.pem()).unwrap();
        file
    }

    fn tls(&self) -> Tls {
        let (certificate, key) = self.authority.certificate("client");
        Tls {
            authorities: Some(self.file("ca.pem", &self.authority)),
            certificate: Some(ClientCertificate { certificate, key }),
        }
    }

    fn intake(
        &self,
        password: &str,
        tls: Tls,
        sasl: Sasl,
        sink: std::sync::Arc<dyn Sink>,
    ) -> Intake {
        let url = format!("kafka://me:{password}@{}", self.gateway.address);
        let topics = vec![TOPIC.into()];
        let settings = Settings {
            sasl,
            tls: Some(tls),
            // A group of its own for each.
            ..Settings::new(
                "source",
                Address::parse(&url).unwrap(),
                topics,
                format!("{sasl:?}"),
            )
        };
        Intake::new(KafkaTopics::new(settings, Clock::system()), sink)
    }

    async fn read(&self, sasl: Sasl) {
        let sink = Recorder::new();
        let intake = self.intake("s3cret%2F", self.tls(), sasl, sink.clone());
        let stop = CancellationToken::new();
        let reading = async {
            sink.taken(1).await;
            stop.cancel();
        };
        tokio::join!(reading, intake.run(stop.clone()));
        assert_eq!(sink.data(), ["1"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_is_read_over_tls_with_a_certificate_by_a_user_of_each_mechanism() {
    let world = World::new().await;
    join_all(Sasl::ALL.map(|(_, sasl)| world.read(sasl))).await;
    let all = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
    assert_eq!(world.gateway.mechanisms(), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_cannot_be_trusted_or_does_not_trust_the_client_is_an_error_with_its_reason()
{
    let world = World::new().await;
    let other = Authority::generate();
    let other_certificate = {
        let (certificate, key) = other.certificate("client");
        Some(ClientCertificate { certificate, key })
    };
    let (right, without, strange, untrusted) = (
        world.tls(),
        Tls {
            certificate: None,
            ..world.tls()
        },
        Tls {
            certificate: other_certificate,
            ..world.tls()
        },
        Tls {
            authorities: Some(world.file("other.pem", &other)),
            ..world.tls()
        },
    );
    let cases = [
        ("s3cret%2F", untrusted, "certificate verify failed"),
        // The broker disconnects: with TLS 1.3, its reason comes after the handshake.
        ("s3cret%2F", without, "transport failure"),
        ("s3cret%2F", strange, "transport failure"),
        ("another-s3cret", right, "invalid credentials"),
    ];
    // Together: each takes as long as a response may.
    let checks = cases.map(|(password, tls, reason)| {
        let intake = world.intake(password, tls, Sasl::ScramSha512, Recorder::new());
        async move {
            let error = intake.ping().await.unwrap_err().to_string();
            assert!(error.contains(reason), "{reason}: {error}");
            assert!(!error.contains("s3cret"), "{error}");
            assert!(!error.contains("ssl."), "no key of ours: {error}");
        }
    });
    join_all(checks).await;
    assert_eq!(world.gateway.mechanisms(), [""; 0]);
}
