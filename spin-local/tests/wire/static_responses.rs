//! Triggers with a static response instead of a component.

use test_support::{App, Request};

use crate::probe::*;

fn app() -> App {
    let triggers = "[[trigger.http]]\nroute = \"/gone/...\"\nstatic_response = { status_code = 410, \
                    headers = { Content-Type = \"text/plain\", x-why = \"sold out\" }, \
                    body = \"gone\" }\n\
                    [[trigger.http]]\nroute = \"/empty\"\nstatic_response = {}\n";
    App::of_text(&format!("{}{triggers}", manifest("/...", "")))
}

#[tokio::test]
async fn a_static_response_is_sent_as_declared() {
    let app = start(&app()).await;
    for method in ["GET", "POST"] {
        let request = Request::new(method, app.url("/gone/with/the?wind")).body("body");
        let reply = request.send().await;
        assert_eq!((reply.status, reply.text().as_str()), (410, "gone"));
        assert_eq!(reply.header("content-type"), Some("text/plain"));
        assert_eq!(reply.header("x-why"), Some("sold out"));
    }
    let head = Request::new("HEAD", app.url("/gone")).send().await;
    assert_eq!((head.status, head.text().as_str()), (410, ""));
    let empty = get(&app, "/empty").await;
    assert_eq!((empty.status, empty.text().as_str()), (200, ""));
}

#[tokio::test]
async fn a_static_response_does_not_affect_other_routes() {
    let app = start(&app()).await;
    assert_eq!(get(&app, "/hello").await.text(), "hello");
    let address = app.address();
    let ended = app.stop().await;
    let route = format!("  static response: http://{address}/gone (wildcard)\n");
    assert!(ended.stdout.contains(&route), "{}", ended.transcript());
}
