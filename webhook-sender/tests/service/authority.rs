//! Receivers whose certificates are issued by a private authority.

use std::process::{Command, Output};

use serde_json::json;
use test_support::{Request, with_timeout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::sender::{SECRET, SENDER, Setting, Store};
use test_support::tls::Authority;

/// Starts an HTTPS receiver. Returns its URL, and the first request once it has arrived.
async fn receiver(authority: &Authority) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let tls = authority.acceptor(&["http/1.1"]);
    let first = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let Ok(mut stream) = tls.accept(stream).await else {
                continue;
            };
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.expect("a request");
            request.truncate(length);
            let response = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(response).await.expect("it is read");
            stream.flush().await.expect("it is read");
            return String::from_utf8_lossy(&request).into_owned();
        }
    });
    (format!("https://{address}/hook"), first)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_is_believed_where_the_environment_names_its_certificate() {
    let authority = Authority::generate();
    let (url, first) = receiver(&authority).await;
    let setting = Setting::new(Store::Sqlite).await;
    setting.configure(
        "sender",
        &format!(
            "[delivery]\nallow_networks = [\"127.0.0.0/8\"]\n\
             [[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
             url = \"{url}\"\nevents = [\"*\"]\nsecret = \"{SECRET}\"\n"
        ),
    );
    let certificate = setting.folder().join("authority.pem");
    std::fs::write(&certificate, authority.pem()).expect("a file");
    let mut command = Command::new(SENDER);
    command.env("SSL_CERT_FILE", &certificate);
    let sender = setting.start_by("sender", command);
    let event = json!({ "id": "evt_1", "type": "order.shipped", "data": { "n": 1 } });
    let reply = Request::post(format!("{}/v1/tenants/acme/events", sender.api))
        .json(event.to_string())
        .send()
        .await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    let request = with_timeout(first, || sender.log()).await;
    let request = request.expect("the receiver lives").to_lowercase();
    assert!(request.contains("webhook-id: evt_1"), "{request}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_cannot_be_read_is_an_error_that_names_its_variable() {
    let setting = Setting::new(Store::Sqlite).await;
    let config = setting.configure("sender", "");
    let empty = setting.folder().join("empty.pem");
    std::fs::write(&empty, "").expect("a file");
    for file in [empty, setting.folder().join("missing.pem")] {
        let output: Output = Command::new(SENDER)
            .args(["run", "--config"])
            .arg(&config)
            .env("SSL_CERT_FILE", &file)
            .env_remove("SSL_CERT_DIR")
            .output()
            .expect("the sender can be run");
        assert!(!output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        let expected = format!(
            "environment variable `SSL_CERT_FILE`: no certificate in `{}`",
            file.display()
        );
        assert!(said.contains(&expected), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_believe_it_as_well_and_say_in_words_why_they_do_not() {
    let authority = Authority::generate();
    let setting = Setting::new(Store::Sqlite).await;
    setting.configure("sender", "");
    let sender = setting.start("sender");
    let api = encrypted(
        &authority,
        sender.api.trim_start_matches("http://").to_owned(),
    )
    .await;
    let certificate = setting.folder().join("authority.pem");
    std::fs::write(&certificate, authority.pem()).expect("a file");
    let tenants = |certificate: Option<&std::path::Path>| {
        let mut command = Command::new(SENDER);
        command.args(["tenants", "list"]).env("SENDER_URL", &api);
        if let Some(certificate) = certificate {
            command.env("SSL_CERT_FILE", certificate);
        }
        tokio::task::block_in_place(|| command.output()).expect("the sender can be run")
    };
    let listed = tenants(Some(&certificate));
    assert!(listed.status.success(), "{listed:?}");
    let refused = tenants(None);
    let said = String::from_utf8_lossy(&refused.stderr);
    let unknown = "the server's certificate is not issued by a trusted authority";
    assert!(said.contains(unknown), "{said}");
}

/// Starts a TLS proxy in front of `address`, and returns its URL.
async fn encrypted(authority: &Authority, address: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("an address"));
    let tls = authority.acceptor(&["http/1.1"]);
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let (tls, address) = (tls.clone(), address.clone());
            tokio::spawn(async move {
                let mut near = tls.accept(near).await?;
                let mut far = tokio::net::TcpStream::connect(address).await?;
                tokio::io::copy_bidirectional(&mut near, &mut far).await
            });
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kafka_whose_authority_is_not_believed_is_an_error_that_names_the_source() {
    // The connection ends with the handshake of TLS, so that no broker is needed.
    let (url, _first) = receiver(&Authority::generate()).await;
    let address = url.trim_start_matches("https://").trim_end_matches("/hook");
    let setting = Setting::new(Store::Sqlite).await;
    let other = setting.folder().join("other.pem");
    std::fs::write(&other, Authority::generate().pem()).expect("a file");
    setting.configure(
        "sender",
        &format!(
            "[[source]]\nname = \"parcels\"\nurl = \"kafka://me:s3cret@{address}\"\n\
             sasl = \"scram-sha-512\"\ntls = true\nca = \"other.pem\"\n"
        ),
    );
    let sender = setting.start("sender");
    sender.logged("certificate verify failed").await;
    let log = sender.log();
    let line = log
        .lines()
        .find(|line| line.contains("certificate verify failed"));
    let line = line.expect("it was logged");
    for part in ["\"source\":\"parcels\"", address, "`ca`"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(!log.contains("s3cret"), "{log}");
    let ready = Request::get(format!("{}/readyz", sender.api)).send().await;
    assert_eq!(ready.status, 503, "{}", ready.text());
}
