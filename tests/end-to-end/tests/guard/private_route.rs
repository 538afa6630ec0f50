//! The app's private route.

use test_support::{Request, raw};

use crate::guarded::*;
use crate::signing::plain;

#[tokio::test]
async fn the_app_cannot_be_reached_without_the_guard() {
    let app = start(&app()).await;
    let targets = [
        "/",
        "/app",
        "//app.spin.internal/",
        "/webhook/../app",
        "http://app.spin.internal/",
        "http://app.spin.internal:80/orders",
        "https://app.spin.internal/",
        "http://user@app.spin.internal/",
        "app.spin.internal:80",
        "*",
    ];
    let hosts = [
        "x",
        "app.spin.internal",
        "app.spin.internal:80",
        "APP.spin.internal",
        "guard.spin.internal",
        "self.alt",
        "",
    ];
    for method in ["GET", "POST", "OPTIONS", "CONNECT"] {
        for target in targets {
            for host in hosts {
                let request = format!(
                    "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
                );
                let response = raw::exchange(app.address(), request.as_bytes()).await;
                let status = response.split(' ').nth(1).unwrap_or_default();
                assert!(
                    ["", "400", "404"].contains(&status),
                    "{method} {target} for {host}: {response}"
                );
            }
        }
    }
    assert_eq!(reached(&app), Vec::<String>::new());
    let accepted = plain(Request::post(app.url("/accepted")), "");
    assert_eq!(accepted.send().await.status, 200);
    assert_eq!(reached(&app), ["POST /accepted, 0 bytes"]);
}
