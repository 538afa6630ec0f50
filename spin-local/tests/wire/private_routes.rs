//! Private routes, which clients must not reach.

use test_support::{App, components, raw};

use crate::probe::*;

const BACK: &str = "\"http://back.spin.internal\"";

/// Returns an app with a public component under `/open` only, so that a response to any other path
/// must come from the private one.
fn with_private() -> App {
    let wasm = components::probe();
    App::of_text(&format!(
        "spin_manifest_version = 2\n[application]\nname = \"chained\"\n\
         [[trigger.http]]\nroute = \"/open\"\ncomponent = \"front\"\n\
         [[trigger.http]]\nroute = {{ private = true }}\ncomponent = \"back\"\n\
         [component.front]\nsource = {wasm:?}\nallowed_outbound_hosts = [{BACK}]\n\
         [component.back]\nsource = {wasm:?}\n"
    ))
}

#[tokio::test]
async fn a_private_route_is_unreachable_for_clients_with_any_spelling() {
    let app = start(&with_private()).await;
    let targets = [
        "/hello",
        "/back/hello",
        "/...",
        "//back.spin.internal/hello",
        "/open/../hello",
        "/%2e%2e/hello",
        "http://back.spin.internal/hello",
        "http://back.spin.internal:80/hello",
        "https://back.spin.internal/hello",
        "http://x@back.spin.internal/hello",
        "back.spin.internal:80",
        "*",
    ];
    let hosts = [
        "x",
        "back.spin.internal",
        "back.spin.internal:80",
        "BACK.spin.internal",
        "back.spin.internal.",
        "x@back.spin.internal",
        "self.alt",
        "",
    ];
    for method in ["GET", "OPTIONS", "CONNECT"] {
        for target in targets {
            for host in hosts {
                let request = format!(
                    "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
                );
                let reply = raw::exchange(app.address(), request.as_bytes()).await;
                let status = reply.split(' ').nth(1).unwrap_or_default();
                assert!(
                    ["", "400", "404"].contains(&status),
                    "{method} {target} for {host}: {reply}"
                );
                assert!(
                    !reply.contains("hello"),
                    "{method} {target} for {host}: {reply}"
                );
            }
        }
    }
    assert!(!app.stdout().contains("back:"), "{}", app.stdout());
}

#[tokio::test]
async fn the_host_name_of_a_component_is_not_accepted_from_clients() {
    let app = start(&with_private()).await;
    let refused = b"GET /open HTTP/1.1\r\nHost: back.spin.internal\r\nConnection: close\r\n\r\n";
    let reply = raw::exchange(app.address(), refused).await;
    assert!(reply.starts_with("HTTP/1.1 400 "), "{reply}");

    let request = b"GET http://back.spin.internal/open HTTP/1.1\r\n\
                    Host: back.spin.internal\r\nConnection: close\r\n\r\n";
    let reply = raw::exchange(app.address(), request).await;
    assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
    assert!(
        reply.contains("\"spin-matched-route\",\"/open\""),
        "{reply}"
    );
    assert!(reply.contains("\"http://localhost/open\""), "{reply}");
}
