//! Every form of a message, and every fault.

use webhook_model::{Event, Millis, Rejected, Source, TenantId};

use super::*;

static SOURCE: Source = Source::UNKNOWN;
const DERIVED: &str = "queue_0123456789abcdef_7";

fn context() -> Context<'static> {
    Context {
        source: &SOURCE,
        derived: DERIVED,
        tenant: None,
        redelivered: false,
        max_data_bytes: 1000,
        now: Millis(5),
    }
}

fn message(headers: &[(&'static str, &'static str)], body: &'static str) -> Message {
    let header = |(name, value): &(&'static str, &'static str)| {
        (
            Bytes::from_static(name.as_bytes()),
            Bytes::from_static(value.as_bytes()),
        )
    };
    Message {
        id: "7".into(),
        headers: headers.iter().map(header).collect(),
        body: Bytes::from_static(body.as_bytes()),
        ..Message::default()
    }
}

fn cloud_event(body: &'static str) -> Message {
    Message {
        content_type: Some("application/cloudevents+json; charset=utf-8".into()),
        ..message(&[], body)
    }
}

fn event(message: Message) -> (String, Event) {
    let entry = message.read(&context());
    let tenant = entry.tenant.expect("a tenant").to_string();
    (
        tenant,
        entry.content.unwrap_or_else(|fault| panic!("{fault:?}")),
    )
}

fn rejected(message: Message) -> Rejected {
    let entry = message.read(&context());
    assert_eq!((&*entry.id, &*entry.derived), ("7", DERIVED));
    entry.content.expect_err("a fault")
}

#[test]
fn the_body_is_the_data_byte_for_byte_if_a_header_has_the_type() {
    let body = " {\"b\":1,\n \"a\" : 1e2}\n";
    let headers = [
        ("tenant", "acme"),
        ("type", "order.shipped"),
        ("id", "evt_1"),
        ("timestamp", "1700000000"),
        ("ordering_key", "k"),
        ("data", "ignored"),
        ("x-other", "ignored"),
    ];
    let (tenant, event) = event(message(&headers, body));
    assert_eq!(tenant, "acme");
    assert_eq!(
        (event.id.as_str(), &*event.kind),
        ("evt_1", "order.shipped")
    );
    assert_eq!(
        (event.at, event.ordering_key.as_deref()),
        (Millis(1_700_000_000_000), Some("k"))
    );
    assert_eq!(event.data, body);
}

#[test]
fn an_id_and_a_time_are_added_where_they_are_missing() {
    let headers = [("tenant", "acme"), ("type", "a")];
    let (_, event) = event(message(&headers, "1"));
    assert_eq!((event.id.as_str(), event.at), (DERIVED, Millis(5)));
    assert_eq!(event.ordering_key, None);
}

#[test]
fn an_envelope_has_every_field_and_its_data_keeps_its_bytes() {
    let body = r#"{"tenant": "ac\u006de", "type": "a.b", "id": "evt_1", "timestamp": 1700000000,
        "ordering_key": "k", "more": [1], "data":  {"b":1, "a" : 1e2}  }"#;
    let (tenant, event) = event(message(&[], body));
    assert_eq!(
        (&*tenant, event.id.as_str(), &*event.kind),
        ("acme", "evt_1", "a.b")
    );
    assert_eq!(
        (event.at, event.ordering_key.as_deref()),
        (Millis(1_700_000_000_000), Some("k"))
    );
    assert_eq!(event.data, r#"{"b":1, "a" : 1e2}"#);
}

#[test]
fn an_envelope_may_have_null_as_data_and_a_time_as_text() {
    let body = r#"{"tenant":"acme","type":"a","data":null,"timestamp":"2023-11-14T22:13:20Z"}"#;
    let (_, event) = event(message(&[], body));
    assert_eq!(
        (&*event.data, event.at),
        (&b"null"[..], Millis(1_700_000_000_000))
    );
}

#[test]
fn headers_take_precedence_over_an_envelope() {
    let body = r#"{"tenant":"other","type":"a","id":"evt_1","data":1}"#;
    let (tenant, event) = event(message(&[("tenant", "acme"), ("data", "2")], body));
    assert_eq!(
        (&*tenant, event.id.as_str(), &*event.data),
        ("acme", "evt_1", &b"1"[..])
    );
}

#[test]
fn a_cloud_event_is_read_with_its_extensions() {
    let body = r#"{"specversion": "1.0", "id": "A/1", "source": "/orders", "type": "com.example.shipped",
        "time": "2023-11-14T22:13:20Z", "tenant": "acme", "partitionkey": "k",
        "datacontenttype": "application/json", "data": {"a" : 1}}"#;
    let (tenant, event) = event(cloud_event(body));
    assert_eq!((&*tenant, &*event.kind), ("acme", "com.example.shipped"));
    assert_eq!(
        (event.at, event.ordering_key.as_deref()),
        (Millis(1_700_000_000_000), Some("k"))
    );
    assert_eq!(event.data, r#"{"a" : 1}"#);
}

#[test]
fn cloud_events_are_told_apart_by_source_and_id_together() {
    let id = |body| event(cloud_event(body)).1.id.to_string();
    let one = r#"{"specversion":"1.0","id":"1","source":"/a","type":"t","tenant":"acme"}"#;
    let same = r#"{"specversion":"1.0","id":"1","source":"/a","type":"t","tenant":"acme","x":1}"#;
    let other_source = r#"{"specversion":"1.0","id":"1","source":"/b","type":"t","tenant":"acme"}"#;
    let other_id = r#"{"specversion":"1.0","id":"2","source":"/a","type":"t","tenant":"acme"}"#;
    assert_eq!(id(one), id(same));
    assert!(id(one).starts_with("ce_"));
    assert_ne!(id(one), id(other_source));
    assert_ne!(id(one), id(other_id));
}

#[test]
fn the_data_of_a_cloud_event_may_be_base64_or_missing() {
    let base64 = r#"{"specversion":"1.0","id":"1","source":"/","type":"t","tenant":"acme","data_base64":"eyJhIjoxfQ=="}"#;
    assert_eq!(event(cloud_event(base64)).1.data, r#"{"a":1}"#);
    let without = r#"{"specversion":"1.0","id":"1","source":"/","type":"t","tenant":"acme"}"#;
    assert_eq!(event(cloud_event(without)).1.data, "null");
}

#[test]
fn the_content_type_may_be_a_header() {
    let body = r#"{"specversion":"1.0","id":"1","source":"/","type":"t","tenant":"acme","data":1}"#;
    let (_, event) = event(message(
        &[("Content-Type", "Application/CloudEvents+JSON")],
        body,
    ));
    assert!(event.id.as_str().starts_with("ce_"));
}

#[test]
fn a_cloud_event_with_a_header_for_the_type_is_data() {
    let mut message = cloud_event(r#"{"specversion":"1.0"}"#);
    message.headers = super::tests::message(&[("tenant", "acme"), ("type", "a")], "").headers;
    assert_eq!(event(message).1.data, r#"{"specversion":"1.0"}"#);
}

#[test]
fn the_key_of_a_message_is_the_ordering_key_unless_there_is_another() {
    let headers = [("tenant", "acme"), ("type", "a")];
    let with_key = |headers: &[_], body| Message {
        key: Some(Bytes::from_static(b"key")),
        ..message(headers, body)
    };
    let key = |message| event(message).1.ordering_key;
    assert_eq!(key(with_key(&headers, "1")).as_deref(), Some("key"));
    let more = [headers[0], headers[1], ("ordering_key", "k")];
    assert_eq!(key(with_key(&more, "1")).as_deref(), Some("k"));
    let body = r#"{"tenant":"acme","type":"a","ordering_key":"k","data":1}"#;
    assert_eq!(key(with_key(&[], body)).as_deref(), Some("k"));
}

#[test]
fn a_source_may_have_one_tenant() {
    let tenant = TenantId::parse("acme").unwrap();
    let context = Context {
        tenant: Some(&tenant),
        ..context()
    };
    let entry = message(&[("type", "a")], "1").read(&context);
    assert_eq!(entry.tenant.as_ref(), Some(&tenant));
    assert!(entry.content.is_ok());
    let other = message(&[("type", "a"), ("tenant", "other")], "1").read(&context);
    assert_eq!(other.content.unwrap_err().code, "bad-tenant");
}

#[test]
fn each_fault_has_its_code_and_is_kept() {
    const HEADERS: [(&str, &str); 2] = [("tenant", "acme"), ("type", "a")];
    let ce = |rest: &'static str| {
        cloud_event(Box::leak(
            format!(r#"{{"specversion":"1.0","id":"1","source":"/","tenant":"acme",{rest}}}"#)
                .into_boxed_str(),
        ))
    };
    let cases = [
        ("no-tenant", message(&[("type", "a")], "1")),
        (
            "bad-tenant",
            message(&[("type", "a"), ("tenant", "A!")], "1"),
        ),
        (
            "bad-type",
            message(&[("tenant", "acme"), ("type", "a..b")], "1"),
        ),
        ("bad-data", message(&HEADERS, "{")),
        ("bad-data", message(&HEADERS, "")),
        (
            "bad-id",
            message(&[HEADERS[0], HEADERS[1], ("id", "a.b")], "1"),
        ),
        (
            "bad-timestamp",
            message(&[HEADERS[0], HEADERS[1], ("timestamp", "soon")], "1"),
        ),
        ("bad-message", message(&[], "")),
        ("bad-message", message(&[], "[]")),
        ("bad-message", message(&[], "{\"tenant\": \"acme\"")),
        ("bad-message", message(&[], r#"{"tenant": 1}"#)),
        ("bad-message", message(&[], r#"{"data": 1, "data": 2}"#)),
        ("no-tenant", message(&[], r#"{"type":"a","data":1}"#)),
        ("no-type", message(&[], r#"{"tenant":"acme","data":1}"#)),
        ("no-data", message(&[], r#"{"tenant":"acme","type":"a"}"#)),
        (
            "bad-timestamp",
            message(
                &[],
                r#"{"tenant":"acme","type":"a","data":1,"timestamp":[1]}"#,
            ),
        ),
        ("no-type", ce(r#""data":1"#)),
        ("bad-timestamp", ce(r#""type":"t","time":"soon""#)),
        ("bad-data", ce(r#""type":"t","data_base64":"ew==""#)),
        ("bad-cloudevent", ce(r#""type":"t","data_base64":"*""#)),
        (
            "bad-cloudevent",
            ce(r#""type":"t","data":1,"data_base64":"MQ==""#),
        ),
        (
            "bad-cloudevent",
            cloud_event(r#"{"specversion":"0.3","id":"1","source":"/"}"#),
        ),
        (
            "bad-cloudevent",
            cloud_event(r#"{"id":"1","source":"/","type":"t"}"#),
        ),
        (
            "bad-cloudevent",
            cloud_event(r#"{"specversion":"1.0","source":"/","type":"t"}"#),
        ),
        (
            "bad-cloudevent",
            cloud_event(r#"{"specversion":"1.0","id":"1","source":"","type":"t"}"#),
        ),
        ("bad-cloudevent", cloud_event("[]")),
        (
            "bad-cloudevent",
            message(
                &[("content-type", "application/cloudevents-batch+json")],
                "[]",
            ),
        ),
    ];
    for (code, message) in cases {
        let body = message.body.clone();
        let shown = format!("{message:?}");
        let rejected = rejected(message);
        assert_eq!(rejected.code, code, "{shown}");
        assert_eq!(rejected.id, DERIVED);
        assert!(!rejected.reason.is_empty());
        if code == "bad-message" || code == "bad-cloudevent" {
            assert_eq!(
                rejected.field("body").unwrap().bytes(),
                &body[..],
                "{shown}"
            );
        }
    }
}

#[test]
fn a_message_that_is_too_large_is_kept_up_to_the_limit() {
    let data: &'static str = Box::leak("1".repeat(1001).into_boxed_str());
    let large = rejected(message(&[("tenant", "acme"), ("type", "a")], data));
    assert_eq!(large.code, "too-large");
    assert_eq!(large.field("data").unwrap().bytes().len(), 1000);

    let max = max_entry_bytes(1000);
    let body: &'static str =
        Box::leak(format!("{{\"data\":\"{}\"}}", "x".repeat(max)).into_boxed_str());
    let large = rejected(message(&[("x", "y")], body));
    assert_eq!(large.code, "too-large");
    assert!(large.field("body").unwrap().bytes().len() <= max);
}

#[test]
fn a_message_that_was_cut_is_rejected_with_the_size_that_it_had() {
    let whole: &'static str = Box::leak("1".repeat(max_entry_bytes(1000)).into_boxed_str());
    for headers in [&[("tenant", "acme"), ("type", "a")][..], &[]] {
        let bytes = 500_000;
        let cut = bytes - whole.len();
        let large = rejected(Message {
            cut,
            ..message(headers, whole)
        });
        assert_eq!(large.code, "too-large");
        assert!(
            large.reason.contains(&bytes.to_string()),
            "{}",
            large.reason
        );
    }
}
