//! Request bodies that are JSON, but not an object.

use test_support::Request;

use crate::sender::{SECRET, Setting, Store};

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_object_is_refused_in_words_of_the_api() {
    let setting = Setting::new(Store::Sqlite).await;
    let config = format!(
        "[[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
         url = \"https://example.com\"\nevents = [\"*\"]\nsecret = \"{SECRET}\"\n"
    );
    setting.configure("sender", &config);
    let sender = setting.start("sender");
    for (path, body) in [
        ("tenants/acme/replay", "[]"),
        // By their positions, these would be the fields of an event.
        (
            "tenants/acme/events",
            "[\"order.shipped\", {\"n\": 1}, \"evt_1\", null, null]",
        ),
        ("tenants/acme/events", "\"order.shipped\""),
        ("tenants/acme/endpoints", "[]"),
        ("tenants/acme/endpoints", ""),
        ("tenants/acme/endpoints/orders/rotate-secret", "[\"24h\"]"),
        ("tenants/acme/endpoints/orders/test", "[\"webhook.test\"]"),
        ("tenants/acme/portal-sessions", "[\"viewer\"]"),
        ("tenants/acme/preview", "[{}]"),
        (
            "tenants/acme/preview",
            "{\"event\": [\"order.shipped\", {\"n\": 1}]}",
        ),
        ("keys", "[\"shop\", \"admin\"]"),
        ("dead-letters/x/retry", "[\"acme\"]"),
    ] {
        let url = format!("{}/v1/{path}", sender.api);
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
