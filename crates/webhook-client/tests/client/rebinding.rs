//! Names that lead somewhere else than they seem to, or each time somewhere else.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use test_support::RawReceiver;
use webhook_client::{AddressError, CallError, Client, Policy, Resolve, Settings};

use super::connect::{post, reply};

/// The results, in order; the last one is returned from then on.
struct Answers(Mutex<Vec<Vec<IpAddr>>>);

impl Answers {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().map(parse).collect())))
    }
}

#[async_trait]
impl Resolve for Answers {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let mut answers = self.0.lock().unwrap();
        Ok(if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers[0].clone()
        })
    }
}

fn client(answers: &[&[&str]], allowed: &[&str]) -> Client {
    let policy = Policy {
        allow_http: true,
        allow_networks: allowed
            .iter()
            .map(|network| network.parse().unwrap())
            .collect(),
        deny_networks: vec!["127.0.0.3/32".parse().unwrap()],
    };
    let settings = Settings {
        policy,
        resolver: Answers::new(answers),
        ..Settings::default()
    };
    Client::new(settings).unwrap()
}

/// One address of every kind that is refused.
const NOT_PUBLIC: [&str; 24] = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.1.1",
    "172.16.0.1",
    "192.0.0.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::1",
    "2001::1",
    "2002:808:808::1",
    "2606:4700::5efe:808:808",
    "fc00::1",
    "fe80::1",
    "ff02::1",
];

#[tokio::test]
async fn a_public_name_that_resolves_to_what_is_not_public_is_refused() {
    for address in NOT_PUBLIC {
        let client = client(&[&[address]], &[]);
        let refused = post(&client, "https://hooks.example/").await.unwrap_err();
        let private = AddressError::Private("https://hooks.example".into());
        assert_eq!(refused, CallError::Address(private), "{address}");
        assert!(!refused.to_string().contains(address), "{refused}");
    }
    for address in ["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254"] {
        let client = client(&[&[address]], &["0.0.0.0/0", "::/0"]);
        let refused = post(&client, "https://hooks.example/").await.unwrap_err();
        let metadata = AddressError::Metadata("https://hooks.example".into());
        assert_eq!(refused, CallError::Address(metadata), "{address}");
    }
}

#[tokio::test]
async fn a_name_without_addresses_is_not_called() {
    let client = client(&[&[]], &[]);
    let unresolved = post(&client, "https://hooks.example/").await.unwrap_err();
    assert!(
        matches!(unresolved, CallError::Unresolved { .. }),
        "{unresolved:?}"
    );
}

/// Starts two receivers on one port: at an address that is allowed, and at one that is not.
async fn two_receivers(response: &'static str) -> (RawReceiver, RawReceiver) {
    let allowed = RawReceiver::at("127.0.0.2:0", move |_| Some(response.into())).await;
    let at = format!("127.0.0.1:{}", allowed.address.port());
    let other = RawReceiver::at(&at, move |_| Some(response.into())).await;
    (allowed, other)
}

#[tokio::test]
async fn a_name_that_rebinds_between_two_deliveries_is_refused_the_second_time() {
    let closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let (allowed, other) = two_receivers(closing).await;
    let client = client(&[&["127.0.0.2"], &["127.0.0.1"]], &["127.0.0.2/32"]);
    let url = format!("http://rebind.example:{}/", allowed.address.port());
    assert_eq!(post(&client, &url).await.unwrap().status, 200);
    let refused = post(&client, &url).await.unwrap_err();
    assert!(matches!(refused, CallError::Address(_)), "{refused:?}");
    assert_eq!(
        (allowed.counts.requests(), other.counts.connections()),
        (1, 0)
    );
}

#[tokio::test]
async fn of_a_mixed_answer_only_what_is_allowed_is_called() {
    let (allowed, other) = two_receivers(reply()).await;
    let client = client(&[&["127.0.0.1", "::1", "127.0.0.2"]], &["127.0.0.2/32"]);
    let url = format!("http://mixed.example:{}/", allowed.address.port());
    assert_eq!(post(&client, &url).await.unwrap().status, 200);
    assert_eq!(
        (allowed.counts.requests(), other.counts.connections()),
        (1, 0)
    );
}

#[tokio::test]
async fn a_name_that_resolves_into_a_denied_network_is_refused() {
    let client = client(&[&["127.0.0.3"]], &["127.0.0.0/8"]);
    let receiver = RawReceiver::at("127.0.0.3:0", |_| Some(reply().into())).await;
    let port = receiver.address.port();
    let url = format!("http://denied.example:{port}/");
    let refused = post(&client, &url).await.unwrap_err();
    let denied = AddressError::Denied(format!("http://denied.example:{port}"));
    assert_eq!(refused, CallError::Address(denied));
    assert_eq!(receiver.counts.connections(), 0);
}

#[tokio::test]
async fn the_next_address_is_tried_where_one_does_not_respond() {
    let (allowed, other) = two_receivers(reply()).await;
    let port = allowed.address.port();
    drop(other);
    let client = client(&[&["127.0.0.9", "127.0.0.2"]], &["127.0.0.0/8"]);
    let url = format!("http://two.example:{port}/");
    assert_eq!(post(&client, &url).await.unwrap().status, 200);
}
