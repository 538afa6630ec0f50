//! Handshakes, and the validity of replaced keys.

use serde_json::json;
use test_support::Request;

use crate::examples::{self, outcome};
use crate::signing::{KEY, OTHER, plain};

#[tokio::test]
async fn an_invalid_handshake_gets_its_code() {
    let long = json!({ "keyData": "k".repeat(257) }).to_string();
    let huge = json!({ "keyData": "k".repeat(5000) }).to_string();
    let cases: [(&[u8], u16, &str); 11] = [
        (b"", 400, "broken-json"),
        (b"{\"keyData\": ", 400, "broken-json"),
        (
            b"{\"keyData\": \"a key that is long enough\"} x",
            400,
            "broken-json",
        ),
        (
            b"{\"keyData\": \"a key that is \xff not text\"}",
            400,
            "broken-json",
        ),
        (
            br#"{"keyData": "half of a surrogate pair \ud800"}"#,
            400,
            "broken-json",
        ),
        (b"[]", 400, "not-a-handshake"),
        (b"null", 400, "not-a-handshake"),
        (br#"{"keyData": 1234567890123456}"#, 400, "not-a-handshake"),
        (long.as_bytes(), 400, "key-length"),
        (
            br#"{"keyData": "whsec_that is not base64 at all"}"#,
            400,
            "bad-key",
        ),
        (huge.as_bytes(), 413, "body-too-long"),
    ];
    for example in examples::all() {
        let consumer = example.start(&[]).await;
        for (body, status, code) in cases {
            let reply = consumer.try_handshake("", body).await;
            let context = format!("{}: {}", example.name, String::from_utf8_lossy(body));
            assert_eq!(outcome(&reply), (status, code.to_owned()), "{context}");
        }
        let reply = consumer.deliver(b"{}", &plain(b"{}", KEY)).await;
        assert_eq!(
            outcome(&reply),
            (400, "no-key".to_owned()),
            "{}",
            example.name
        );
    }
}

#[tokio::test]
async fn a_handshake_needs_the_token_if_one_is_set() {
    let body = json!({ "keyData": KEY }).to_string();
    for example in examples::all() {
        let consumer = example.start(&["handshake_token=s3cret é"]).await;
        for query in ["", "&token=", "&token=s3cret", "&token=S3cret+%C3%A9"] {
            let reply = consumer.try_handshake(query, body.clone()).await;
            let refused = (403, "handshake-token-refused".to_owned());
            assert_eq!(outcome(&reply), refused, "{}: {query}", example.name);
        }
        let reply = consumer
            .try_handshake("&token=s3cret+%C3%A9", body.clone())
            .await;
        assert_eq!(reply.status, 200, "{}: {reply:?}", example.name);
    }
}

#[tokio::test]
async fn a_concurrent_handshake_gets_a_conflict() {
    for example in examples::all() {
        // The claim of the first handshake, before it replaces the key.
        let claim = "INSERT INTO webhook_ids (id, until, done) VALUES ('the keys', 9999999999, 0)";
        let consumer = example.start_with_ids(claim).await;
        let body = json!({ "keyData": KEY }).to_string();
        let reply = consumer.try_handshake("", body).await;
        let conflict = (409, "handshake-in-progress".to_owned());
        assert_eq!(outcome(&reply), conflict, "{}", example.name);
        assert!(reply.header("retry-after").is_some(), "{reply:?}");
        let refused = consumer.deliver(b"{}", &plain(b"{}", KEY)).await;
        assert_eq!(refused.status, 400, "{}: {refused:?}", example.name);
    }
}

#[tokio::test]
async fn a_replaced_key_is_accepted_during_its_overlap() {
    for example in examples::all() {
        for (overlap, status) in [("3600", 200), ("0", 400)] {
            let variable = format!("key_overlap_seconds={overlap}");
            let consumer = example.start(&[&variable]).await;
            consumer.handshake(OTHER).await;
            consumer.handshake(KEY).await;
            let reply = consumer.deliver(b"{}", &plain(b"{}", KEY)).await;
            assert_eq!(reply.status, 200, "{}: {reply:?}", example.name);
            let reply = consumer.deliver(b"{}", &plain(b"{}", OTHER)).await;
            assert_eq!(
                reply.status, status,
                "{}: {overlap}: {reply:?}",
                example.name
            );
        }
    }
}

#[tokio::test]
async fn no_log_and_no_response_contains_a_key() {
    for example in examples::all() {
        let consumer = example.start(&[]).await;
        consumer.handshake(KEY).await;
        let reply = consumer.deliver(b"{}", &plain(b"{ }", KEY)).await;
        assert_eq!(outcome(&reply), (400, "no-match".to_owned()));
        let twice = format!(r#"{{"keyData": "{KEY}", "keyData": {{"{KEY}": 1}}}}"#);
        let refused = consumer.try_handshake("", twice).await;
        assert_eq!(refused.status, 400, "{}: {refused:?}", example.name);
        let mut outputs = [refused.text(), reply.text(), consumer.0.log(example.name)].concat();
        outputs += &consumer.0.error_log(example.name);
        assert!(!outputs.contains(KEY), "{}: {outputs}", example.name);
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_get_their_codes() {
    for example in examples::all() {
        let consumer = example.start(&[]).await;
        for (method, path, status, code) in [
            ("GET", "/target", 405, "method-not-allowed"),
            ("PROPFIND", "/target", 405, "method-not-allowed"),
            ("POST", "/healthz", 405, "method-not-allowed"),
            ("GET", "/", 404, "not-found"),
            ("POST", "/target//", 404, "not-found"),
            ("GET", "/target/", 405, "method-not-allowed"),
            ("GET", "/healthz/", 200, ""),
            ("POST", "/constructor", 404, "not-found"),
            ("GET", "/healthz", 200, ""),
        ] {
            let reply = Request::new(method, consumer.0.url(path)).send().await;
            let context = format!("{}: {method} {path}", example.name);
            assert_eq!(outcome(&reply), (status, code.to_owned()), "{context}");
        }
    }
}

#[tokio::test]
async fn by_default_no_handshake_is_accepted_and_plain_is_rejected() {
    let body = json!({ "keyData": KEY }).to_string();
    for example in examples::all() {
        let consumer = example.start_as(example.as_delivered()).await;
        for query in ["", "&token=any"] {
            let reply = consumer.try_handshake(query, body.clone()).await;
            let refused = (403, "handshake-token-unset".to_owned());
            assert_eq!(outcome(&reply), refused, "{}: {query}", example.name);
        }
        let reply = consumer.deliver(b"{}", &plain(b"{}", KEY)).await;
        let refused = (400, "missing-header".to_owned());
        assert_eq!(outcome(&reply), refused, "{}", example.name);
    }
}

#[tokio::test]
async fn unknown_fields_are_ignored_and_registrations_have_their_own_keys() {
    for example in examples::all() {
        let consumer = example.start(&["key_overlap_seconds=0"]).await;
        for (query, key) in [("", KEY), ("&customer=7", OTHER)] {
            let body = json!({ "keyData": key, "more": { "a": [1] } }).to_string();
            let reply = consumer.try_handshake(query, body).await;
            assert_eq!(reply.status, 200, "{}: {reply:?}", example.name);
        }
        for (query, key, status) in [
            ("", KEY, 200),
            ("?token=t", KEY, 200),
            ("?customer=7", OTHER, 200),
            ("?customer=7", KEY, 400),
            ("", OTHER, 400),
            ("?customer=8", KEY, 400),
        ] {
            let request = Request::post(consumer.0.url(&format!("/target{query}")));
            let signed = plain(b"{}", key);
            let request = request.header(signed[0].0, &signed[0].1).body("{}");
            assert_eq!(
                request.send().await.status,
                status,
                "{}: {query}",
                example.name
            );
        }
    }
}
