//! Endpoints as the API declares and changes them.

use serde_json::{Map, Value, json};
use webhook_model::{Endpoint, EndpointId, Millis, Origin, Retry, TenantId};
use webhook_sender::config::{Diagnostic, EndpointSpec, Rules};

const NOW: Millis = Millis(1_000);
const LATER: Millis = Millis(2_000);

fn rules() -> Rules {
    let fast = Retry {
        schedule: vec![std::time::Duration::ZERO],
        jitter: 0.0,
    };
    Rules {
        retries: [("fast".to_owned(), fast)].into(),
        ..Rules::default()
    }
}

fn spec(json: Value) -> Result<EndpointSpec, Vec<Diagnostic>> {
    EndpointSpec::from_json(&json, &rules())
}

fn endpoint(json: Value) -> Endpoint {
    let spec = spec(json).unwrap_or_else(|faults| panic!("{faults:?}"));
    let (tenant, id) = (
        TenantId::parse("acme").unwrap(),
        EndpointId::parse("orders").unwrap(),
    );
    spec.endpoint(tenant, id, Origin::Api, NOW)
}

fn simple() -> Endpoint {
    endpoint(json!({"url": "https://example.com/hooks", "events": ["*"]}))
}

fn patch(before: &Endpoint, patch: Value) -> Result<Endpoint, Vec<Diagnostic>> {
    let Value::Object(patch) = patch else {
        panic!("a patch is an object")
    };
    EndpointSpec::patch(before, &patch, &rules(), LATER)
}

fn shown(faults: Vec<Diagnostic>) -> Vec<String> {
    faults.iter().map(Diagnostic::to_string).collect()
}

#[test]
fn what_is_left_out_has_its_default() {
    let endpoint = simple();
    let expected = json!({
        "url": "https://example.com/hooks", "events": ["*"], "filter": null, "transform": null,
        "transform_component": null, "schemes": ["wss", "standard"], "headers": {},
        "rate_limit": null, "max_in_flight": null, "ordered": false, "retry": null,
        "timeout": null, "enabled": true, "handshake": null,
    });
    assert_eq!(Value::Object(EndpointSpec::to_json(&endpoint)), expected);
    let [secret] = endpoint.secrets.as_slice() else {
        panic!("not one secret")
    };
    assert!(secret.reveal().starts_with("whsec_"), "a secret was made");
    assert_ne!(simple().secrets, endpoint.secrets, "a new one each time");
    assert_eq!((endpoint.created_at, endpoint.updated_at), (NOW, NOW));
}

#[test]
fn null_is_as_good_as_left_out() {
    let mut declared = EndpointSpec::to_json(&simple());
    declared.insert("secret".into(), Value::Null);
    declared.insert("headers".into(), Value::Null);
    let spec = spec(Value::Object(declared)).unwrap();
    assert_eq!((spec.secret, spec.headers.len()), (None, 0));
}

#[test]
fn what_is_shown_can_be_declared_again() {
    let all = json!({
        "url": "https://example.com/", "events": ["order.*"], "filter": "event.data.a > 1",
        "transform": "event.data", "transform_component": null, "schemes": ["plain"],
        "headers": {}, "rate_limit": 5, "max_in_flight": 2, "ordered": true,
        "retry": {"schedule": ["0s", "1m 30s"], "jitter": 0.5}, "timeout": "2s 500ms",
        "enabled": false, "handshake": "key",
    });
    assert_eq!(
        Value::Object(EndpointSpec::to_json(&endpoint(all.clone()))),
        all
    );
}

#[test]
fn every_fault_is_named_by_its_field() {
    let faults = spec(json!({
        "url": "http://example.com", "events": ["a", "*b"], "filter": "event.", "retry": "fats",
        "timeout": "soon", "rate_limit": 0, "headers": {"Host": "x"}, "secrets": "x", "enabled": 1,
        "max_in_flight": 1.5, "secret": "env:HOME_OF_ALL_THE_SECRETS\u{0}",
    }));
    let fields: Vec<_> = faults
        .unwrap_err()
        .into_iter()
        .map(|fault| fault.field)
        .collect();
    let expected = [
        "url",
        "events[1]",
        "filter",
        "headers",
        "rate_limit",
        "max_in_flight",
        "retry",
        "timeout",
        "enabled",
        "secrets",
    ];
    assert_eq!(fields, expected);
    assert_eq!(
        shown(spec(json!([])).unwrap_err())[0],
        "must be a table, not a list"
    );
    let unknown = spec(json!({"url": "https://example.com", "events": ["*"], "evnts": []}));
    assert_eq!(
        shown(unknown.unwrap_err()),
        ["evnts: unknown key; did you mean `events`?"]
    );
}

/// Otherwise clients that may declare an endpoint could extract the sender's files as signatures, and
/// learn from errors which files exist.
#[test]
fn the_api_takes_a_secret_as_it_is() {
    let json = json!({"url": "https://example.com", "events": ["*"], "secret": "file:/etc/hostname-of-this-one"});
    assert_eq!(
        spec(json).unwrap().secret.unwrap().reveal(),
        "file:/etc/hostname-of-this-one"
    );
}

#[test]
fn a_patch_changes_what_it_names() {
    let before = endpoint(json!({
        "url": "https://example.com/", "events": ["*"], "filter": "true", "rate_limit": 5,
    }));
    let after = patch(
        &before,
        json!({"filter": null, "retry": "fast", "max_in_flight": 3}),
    )
    .unwrap();
    assert_eq!(
        (&after.filter, after.rate_limit, after.max_in_flight),
        (&None, Some(5), Some(3))
    );
    assert_eq!(after.retry.as_ref().unwrap().jitter, 0.0);
    assert_eq!(after.secrets, before.secrets);
    assert_eq!((after.created_at, after.updated_at), (NOW, LATER));
    assert_eq!(
        patch(&before, json!({})).unwrap(),
        before,
        "nothing named, nothing changed"
    );
    assert_eq!(patch(&before, json!({"rate_limit": 5})).unwrap(), before);
}

#[test]
fn a_patch_is_held_to_the_same_rules() {
    let before = simple();
    let faults = patch(
        &before,
        json!({"url": null, "schemes": ["md5"], "color": 1}),
    )
    .unwrap_err();
    let expected = [
        "url: missing",
        "schemes[0]: unknown scheme `md5`; known are `standard`, `wss`, `plain`",
        "color: unknown key; known are ",
    ];
    for (fault, expected) in shown(faults).iter().zip(expected) {
        assert!(fault.starts_with(expected), "{fault}");
    }
}

#[test]
fn a_replaced_secret_signs_for_a_day_longer() {
    let before = simple();
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let after = patch(&before, json!({ "secret": secret })).unwrap();
    let [new, old] = after.secrets.as_slice() else {
        panic!("not two secrets")
    };
    assert_eq!((new.reveal(), new.expires_at), (secret, None));
    assert_eq!(old.reveal(), before.secrets[0].reveal());
    assert_eq!(old.expires_at, Some(Millis(LATER.0 + 24 * 60 * 60 * 1000)));
    assert_eq!(
        patch(&after, json!({ "secret": secret })).unwrap(),
        after,
        "the same again"
    );
}

#[test]
fn the_schemes_follow_the_kind_of_the_secret_unless_they_are_declared() {
    let pair = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    let schemes = |endpoint: &Endpoint| EndpointSpec::to_json(endpoint)["schemes"].clone();
    let after = patch(&simple(), json!({ "secret": pair })).unwrap();
    assert_eq!(schemes(&after), json!(["standard"]));
    let faults = patch(&after, json!({"schemes": ["wss"]})).unwrap_err();
    assert_eq!(
        shown(faults),
        ["schemes[0]: `wss` cannot be signed with an ed25519 secret (`whsk_`)"]
    );
    let back = patch(
        &after,
        json!({"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}),
    )
    .unwrap();
    assert_eq!(schemes(&back), json!(["wss", "standard"]));
    let plain = patch(&simple(), json!({"schemes": ["plain"]})).unwrap();
    assert_eq!(
        schemes(&patch(&plain, json!({"ordered": true})).unwrap()),
        json!(["plain"])
    );
}

#[test]
fn an_endpoint_that_was_disabled_starts_afresh_when_it_is_enabled() {
    let reason = Some("responded 410".to_owned());
    let disabled = |endpoint: Endpoint| Endpoint {
        enabled: false,
        disabled_reason: reason.clone(),
        failing_since: Some(NOW),
        ..endpoint
    };
    let before = disabled(simple());
    for on in [
        json!({"enabled": true}),
        json!({"enabled": true, "ordered": true}),
    ] {
        let after = patch(&before, on).unwrap();
        assert_eq!(
            (after.enabled, after.disabled_reason, after.failing_since),
            (true, None, None)
        );
    }
    let renamed = patch(&before, json!({"ordered": true})).unwrap();
    assert_eq!((renamed.enabled, renamed.disabled_reason), (false, reason));
    assert_eq!(patch(&before, json!({"enabled": false})).unwrap(), before);
}

/// The endpoint was declared while `allow_http` was on.
#[test]
fn an_endpoint_can_be_switched_off_whatever_has_become_of_its_declaration() {
    let before = Endpoint {
        url: "http://10.0.0.1/".into(),
        ..simple()
    };
    assert!(!patch(&before, json!({"enabled": false})).unwrap().enabled);
    assert!(patch(&before, json!({"ordered": true})).is_err());
}

#[test]
fn no_patch_makes_it_panic() {
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("\u{0}é"),
        json!([]),
        json!([null]),
        json!([[[]]]),
        json!({}),
        json!({"schedule": {}}),
        json!({"id": "x"}),
    ];
    let names: Vec<String> = EndpointSpec::to_json(&simple()).keys().cloned().collect();
    for name in names
        .iter()
        .map(String::as_str)
        .chain(["secret", "", "ü", "id"])
    {
        for value in &values {
            let change: Map<_, _> = [(name.to_owned(), value.clone())].into_iter().collect();
            let _ = patch(&simple(), Value::Object(change));
        }
    }
}

#[test]
fn a_timeout_that_the_lease_does_not_outlast_is_refused() {
    let declared = |timeout: &str| {
        spec(json!({"url": "https://example.com", "events": ["*"], "timeout": timeout}))
    };
    assert_eq!(
        declared("30s").unwrap().timeout.map(|it| it.as_secs()),
        Some(30)
    );
    assert_eq!(
        shown(declared("31s").unwrap_err()),
        ["timeout: `31s` is more than half of `delivery.lease`, which is 1m"]
    );
    let faults = patch(&simple(), json!({"timeout": "5m"})).unwrap_err();
    assert_eq!(
        shown(faults),
        ["timeout: `5m` is more than half of `delivery.lease`, which is 1m"]
    );
}
