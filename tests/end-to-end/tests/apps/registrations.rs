//! The table of registrations.

use serde_json::json;
use test_support::{Receiver, Request};

use crate::consumer::tag;
use crate::producer::{self, Producer, key_of};

#[tokio::test]
async fn a_second_registration_gets_200_and_a_new_key() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    let url = receiver.url("/target");
    let first = producer.register(&url, "one").await;

    let again = producer.try_register(&url, "two").await;
    assert_eq!(again.status, 200, "{again:?}");
    let second = key_of(&again);
    assert_ne!(first, second);
    assert_eq!(
        again.json(),
        json!({ "url": url, "event": "two", "signingKey": second })
    );

    let list = producer.list().await;
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    assert_eq!(list[0]["event"], "two");
    receiver.forget();
    producer.fire().await;
    let delivery = &receiver.received(1).await[0];
    assert_eq!(
        delivery.header("x-signature"),
        Some(tag(&delivery.body, &second).as_str())
    );
    assert_ne!(
        delivery.header("x-signature"),
        Some(tag(&delivery.body, &first).as_str())
    );
}

#[tokio::test]
async fn one_url_is_one_registration_in_any_spelling() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    let port = receiver.address().port();
    let url = format!("http://127.0.0.1:{port}/target");
    producer.register(&url, "*").await;
    for spelling in [
        format!("HTTP://127.0.0.1:{port}/target"),
        format!("http://127.1:{port}/target"),
        format!("http://0x7f000001:{port}/a/../target"),
    ] {
        assert_eq!(
            producer.try_register(&spelling, "*").await.status,
            200,
            "{spelling}"
        );
    }
    assert_eq!(producer.urls().await, [url]);
}

#[tokio::test]
async fn the_list_has_no_keys() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    let mut keys = Vec::new();
    for path in ["/a", "/b"] {
        keys.push(producer.register(&receiver.url(path), "*").await);
    }
    assert_ne!(keys[0], keys[1]);
    let list = producer.list().await;
    assert_eq!(list.as_array().map(Vec::len), Some(2), "{list}");
    for row in list.as_array().expect("a list") {
        let members: Vec<_> = row.as_object().expect("an object").keys().collect();
        assert_eq!(members, ["createdAt", "event", "updatedAt", "url"]);
    }
    let text = list.to_string();
    assert!(
        keys.iter().all(|key| !text.contains(key.as_str())),
        "{text}"
    );
}

#[tokio::test]
async fn one_registration_or_all_can_be_deleted() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    let urls = ["/a?x=1&y=2", "/b", "/c"].map(|path| receiver.url(path));
    for url in &urls {
        producer.register(url, "*").await;
    }
    let delete = async |query: &str| {
        let request = Request::delete(producer.0.url(&format!("/registrations{query}")));
        let reply = request.send().await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    };
    let first = format!("?url={}", urls[0].replace('?', "%3F").replace('&', "%26"));
    assert_eq!(delete(&first).await, json!({ "deleted": 1 }));
    assert_eq!(producer.urls().await, urls[1..]);
    assert_eq!(delete(&first).await, json!({ "deleted": 0 }));
    assert_eq!(delete("?all=true").await, json!({ "deleted": 2 }));
    assert_eq!(producer.list().await, json!([]));

    receiver.forget();
    assert!(producer.fire().await.is_empty());
    assert!(receiver.requests().is_empty());
}

#[tokio::test]
async fn registrations_survive_a_restart() {
    let receiver = Receiver::start().await;
    let app = producer::app();
    let first = Producer::of(&app).await;
    let key = first.register(&receiver.url("/target"), "*").await;
    let registered = first.list().await;
    first.0.stop().await;

    let second = Producer::of(&app).await;
    assert_eq!(second.list().await, registered);
    receiver.forget();
    second.fire().await;
    let delivery = &receiver.received(1).await[0];
    assert_eq!(
        delivery.header("x-signature"),
        Some(tag(&delivery.body, &key).as_str())
    );
}

#[tokio::test]
async fn of_concurrent_registrations_one_has_a_valid_key() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    let url = receiver.url("/target");
    let replies = tokio::join!(
        producer.try_register(&url, "*"),
        producer.try_register(&url, "*"),
        producer.try_register(&url, "*"),
        producer.try_register(&url, "*"),
    );
    let replies: [_; 4] = replies.into();
    let mut keys = Vec::new();
    for reply in &replies {
        match reply.status {
            200 | 201 => keys.push(key_of(reply)),
            _ => producer::assert_problem(reply, 409, "registration-conflict"),
        }
    }
    receiver.forget();
    producer.fire().await;
    let delivery = &receiver.received(1).await[0];
    let signature = delivery.header("x-signature").expect("a signature");
    assert!(
        keys.iter().any(|key| tag(&delivery.body, key) == signature),
        "{replies:?}"
    );
}

#[tokio::test]
async fn the_producer_reports_its_health() {
    let producer = Producer::start().await;
    let reply = Request::get(producer.0.url("/healthz")).send().await;
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({ "status": "ok" }))
    );
}
