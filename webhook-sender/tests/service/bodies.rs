//! Request bodies that are JSON of another kind than an object.

use test_support::Request;

use crate::sender::{Setting, Store};

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_object_is_refused_in_words_of_the_api() {
    let setting = Setting::new(Store::Sqlite).await;
    setting.configure("sender", "[[tenant]]\nid = \"acme\"\n");
    let sender = setting.start("sender");
    for (path, body) in [
        ("replay", "[]"),
        // By their places these would be the fields of an event.
        (
            "events",
            "[\"order.shipped\", {\"n\": 1}, \"evt_1\", null, null]",
        ),
        ("events", "\"order.shipped\""),
        ("endpoints", "[]"),
        ("endpoints", ""),
    ] {
        let url = format!("{}/v1/tenants/acme/{path}", sender.api);
        let reply = Request::post(url).json(body.to_owned()).send().await;
        assert_eq!(reply.status, 400, "{path} {body}: {}", reply.text());
        let problem = reply.json();
        assert_eq!(problem["code"], "bad-body", "{problem}");
        let expected = match body {
            "" => "the body is empty",
            _ => "the body is not a JSON object",
        };
        assert_eq!(problem["detail"], expected, "{path} {body}");
    }
}
