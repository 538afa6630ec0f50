//! Tests of the validation of published events.

use bytes::Bytes;
use webhook_model::{Event, EventError, Millis, RawEvent, Source};

const NOW: Millis = Millis(1_800_000_000_000);

fn raw<'a>() -> RawEvent<'a> {
    RawEvent {
        id: Some("evt_1"),
        kind: "order.shipped",
        data: Bytes::from_static(b"{}"),
        timestamp: None,
        ordering_key: None,
        source: Source::API,
    }
}

fn check(raw: RawEvent<'_>) -> Result<Event, EventError> {
    raw.check(100, NOW)
}

fn code(raw: RawEvent<'_>) -> &'static str {
    check(raw).map_or_else(|error| error.code(), |_| "good")
}

#[test]
fn an_event_keeps_its_published_fields() {
    let key = Some("customer-7");
    let data = Bytes::from_static(b" {\"a\":  1.0}\n");
    let event = check(RawEvent {
        data: data.clone(),
        ordering_key: key,
        source: Source::named("orders"),
        ..raw()
    })
    .unwrap();
    assert_eq!(
        (event.id.as_str(), event.kind.as_str()),
        ("evt_1", "order.shipped")
    );
    assert_eq!((event.data, event.at), (data, NOW));
    assert_eq!(event.ordering_key.as_deref(), key);
    assert_eq!(event.source.as_str(), "orders");
}

#[test]
fn an_event_without_an_id_gets_a_new_one() {
    let ids = [(); 2].map(|()| check(RawEvent { id: None, ..raw() }).unwrap().id);
    assert!(ids[0].as_str().starts_with("evt_") && ids[0] != ids[1]);
}

#[test]
fn an_id_fits_into_a_signature() {
    let long = "x".repeat(257);
    for id in ["", "a.b", "a b", "ä", "a\n", &long] {
        assert_eq!(
            code(RawEvent {
                id: Some(id),
                ..raw()
            }),
            "bad-id",
            "{id:?}"
        );
    }
}

#[test]
fn a_type_is_dotted_visible_ascii_and_not_the_senders_own() {
    let long = format!("a.{}", "x".repeat(255));
    for kind in ["", ".", "a.", ".a", "a..b", "a b", "ä", "a\t", &long] {
        assert_eq!(code(RawEvent { kind, ..raw() }), "bad-type", "{kind:?}");
    }
    for kind in ["operational", "operational.endpoint.disabled"] {
        assert_eq!(
            code(RawEvent { kind, ..raw() }),
            "reserved-type",
            "{kind:?}"
        );
    }
    let longest = "x".repeat(256);
    for kind in [
        "a",
        "a.b.c",
        "Order.Shipped_v2",
        "operational_x",
        "operations.a",
        &longest,
    ] {
        assert_eq!(code(RawEvent { kind, ..raw() }), "good", "{kind:?}");
    }
}

#[test]
fn data_is_one_json_value_of_a_bounded_size() {
    let deep = format!("{}{}", "[".repeat(50), "]".repeat(50));
    for data in [
        "1",
        "null",
        "\"x\"",
        " [1, 2] ",
        "{\"a\": {\"a\": 1}, \"a\": 2}",
        &deep,
    ] {
        let data = Bytes::from(data.to_owned());
        assert_eq!(
            code(RawEvent {
                data: data.clone(),
                ..raw()
            }),
            "good",
            "{data:?}"
        );
    }
    for data in [
        "",
        " ",
        "{",
        "{}{}",
        "{'a': 1}",
        "NaN",
        "01",
        "\"\u{1}\"",
        "[1,]",
        "\"\\ud800x\"x",
    ] {
        let data = Bytes::from(data.to_owned());
        assert_eq!(
            code(RawEvent {
                data: data.clone(),
                ..raw()
            }),
            "bad-data",
            "{data:?}"
        );
    }
    assert_eq!(
        code(RawEvent {
            data: Bytes::from_static(b"\"\xff\""),
            ..raw()
        }),
        "bad-data"
    );
    let data = |bytes: usize| Bytes::from("1".repeat(bytes));
    assert_eq!(
        code(RawEvent {
            data: data(100),
            ..raw()
        }),
        "good"
    );
    let error = check(RawEvent {
        data: data(101),
        ..raw()
    })
    .unwrap_err();
    assert_eq!(
        error,
        EventError::TooLarge {
            bytes: 101,
            max: 100
        }
    );
    assert_eq!(error.field(), "data");
}

#[test]
fn a_timestamp_is_rfc_3339_or_unix_seconds() {
    let good = [
        ("0", 0),
        ("1700000000", 1_700_000_000_000),
        ("1700000000.5", 1_700_000_000_500),
        ("1700000000.1239", 1_700_000_000_123),
        ("2023-11-14T22:13:20Z", 1_700_000_000_000),
        ("2023-11-14T22:13:20.25Z", 1_700_000_000_250),
        ("2023-11-15T00:13:20+02:00", 1_700_000_000_000),
    ];
    for (text, at) in good {
        let event = check(RawEvent {
            timestamp: Some(text),
            ..raw()
        })
        .unwrap();
        assert_eq!(event.at, Millis(at), "{text}");
    }
    let bad = [
        "",
        "now",
        "-1",
        "1e9",
        "1.",
        ".5",
        "1.2.3",
        "2023-11-14",
        "2023-11-14T22:13:20",
        "99999999999999999999",
        "253402300800",
        "1969-12-31T23:59:59Z",
        "١٧",
        "1700000000 ",
    ];
    for text in bad {
        assert_eq!(
            code(RawEvent {
                timestamp: Some(text),
                ..raw()
            }),
            "bad-timestamp",
            "{text:?}"
        );
    }
}

#[test]
fn an_ordering_key_is_short_and_printable_and_an_empty_one_is_none() {
    let key = |key| {
        check(RawEvent {
            ordering_key: Some(key),
            ..raw()
        })
        .map(|event| event.ordering_key)
    };
    assert_eq!(key(""), Ok(None));
    assert_eq!(key("zoë 7"), Ok(Some("zoë 7".into())));
    let long = "x".repeat(257);
    for bad in ["a\nb", "\0", long.as_str()] {
        assert_eq!(key(bad), Err(EventError::OrderingKey), "{bad:?}");
    }
}
