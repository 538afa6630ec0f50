use super::*;

static SOURCE: Source = Source::UNKNOWN;
const DERIVED: &str = "events_0123456789abcdef_1700000000000-0";

fn context() -> Context<'static> {
    Context {
        source: &SOURCE,
        derived: DERIVED,
        tenant: None,
        redelivered: false,
        max_data_bytes: 64,
        now: Millis(5),
    }
}

fn entry(fields: &[(&'static str, &[u8])]) -> Entry {
    let field =
        |(name, value): &(&'static str, &[u8])| (Bytes::from(*name), Bytes::from(value.to_vec()));
    Entry {
        id: "1700000000000-0".into(),
        fields: fields.iter().map(field).collect(),
        cut: 0,
    }
}

fn read(fields: &[(&'static str, &[u8])]) -> SourceEntry {
    entry(fields).read(&context())
}

#[test]
fn an_entry_without_an_id_gets_one_derived_from_stream_incarnation_and_entry() {
    let taken = read(&[
        ("tenant", b"acme"),
        ("type", b"a.b"),
        ("data", b" {\"x\": 1}"),
    ]);
    let event = taken.content.unwrap();
    assert_eq!(event.id.as_str(), "events_0123456789abcdef_1700000000000-0");
    assert_eq!(
        (event.at, &event.data[..]),
        (Millis(5), &b" {\"x\": 1}"[..])
    );
}

#[test]
fn a_source_of_one_tenant_takes_no_entries_that_name_another() {
    let tenant = TenantId::parse("acme").unwrap();
    let context = Context {
        tenant: Some(&tenant),
        ..context()
    };
    let (kind, data) = (("type", &b"a.b"[..]), ("data", &b"1"[..]));
    let without = entry(&[kind, data]).read(&context);
    assert_eq!(without.tenant.as_ref(), Some(&tenant));
    assert!(without.content.is_ok());
    let same = entry(&[("tenant", b"acme"), kind, data]).read(&context);
    assert!(same.content.is_ok());
    let other = entry(&[("tenant", b"other"), kind, data]).read(&context);
    assert_eq!(other.tenant, None);
    assert_eq!(other.content.unwrap_err().code, "bad-tenant");
}

#[test]
fn every_field_is_read() {
    let taken = read(&[
        ("other", b"\xff"),
        ("tenant", b"acme"),
        ("type", b"a.b"),
        ("data", b"null"),
        ("id", b"evt_1"),
        ("timestamp", b"1700000000"),
        ("ordering_key", b"k"),
    ]);
    let event = taken.content.unwrap();
    assert_eq!(
        (event.id.as_str(), event.at),
        ("evt_1", Millis(1_700_000_000_000))
    );
    assert_eq!(event.ordering_key.as_deref(), Some("k"));
}

#[test]
fn each_fault_has_its_code() {
    let (tenant, kind, data) = (
        ("tenant", &b"acme"[..]),
        ("type", &b"a.b"[..]),
        ("data", &b"1"[..]),
    );
    type Fields<'a> = &'a [(&'static str, &'a [u8])];
    let cases: [(&str, Fields); 12] = [
        ("no-tenant", &[kind, data]),
        ("bad-tenant", &[("tenant", b"Acme!"), kind, data]),
        ("bad-tenant", &[("tenant", b"\xff"), kind, data]),
        ("no-type", &[tenant, data]),
        ("bad-type", &[tenant, ("type", b"a..b"), data]),
        ("bad-type", &[tenant, ("type", b"\xff"), data]),
        ("no-data", &[tenant, kind]),
        ("bad-data", &[tenant, kind, ("data", b"{")]),
        ("bad-data", &[tenant, kind, ("data", b"\"\xff\"")]),
        ("too-large", &[tenant, kind, ("data", &[b' '; 65])]),
        ("bad-id", &[tenant, kind, data, ("id", b"a.b")]),
        (
            "bad-timestamp",
            &[tenant, kind, data, ("timestamp", b"soon")],
        ),
    ];
    for (code, fields) in cases {
        let rejected = read(fields).content.unwrap_err();
        assert_eq!(rejected.code, code, "{fields:?}");
        assert_eq!(rejected.fields.len(), fields.len());
        assert_eq!(rejected.id, "events_0123456789abcdef_1700000000000-0");
        assert!(!rejected.reason.is_empty(), "{code}");
    }
}

fn pairs(rejected: &Rejected) -> Vec<(&[u8], &[u8])> {
    let fields = rejected.fields.iter();
    fields
        .map(|(name, value)| (&name.bytes()[..], &value.bytes()[..]))
        .collect()
}

#[test]
fn a_rejected_entry_is_kept_byte_for_byte() {
    let fields: [(&'static str, &[u8]); 4] = [
        ("tenant", b"acme"),
        ("data", b"{\xff"),
        ("noise", &[b'n'; 40_000]),
        ("data", b"another"),
    ];
    let rejected = read(&fields).content.unwrap_err();
    let expected = fields.map(|(name, value)| (name.as_bytes(), value));
    assert_eq!(pairs(&rejected), expected);
}

#[test]
fn a_rejected_entry_that_is_too_large_keeps_the_fields_of_an_event_first() {
    let noise = vec![b'n'; max_entry_bytes(64)];
    let fields = [
        ("noise", &noise[..]),
        ("data", &[b'1'; 64]),
        ("tenant", b"acme"),
        ("type", b"a..b"),
        ("more", b"noise"),
    ];
    let rejected = read(&fields).content.unwrap_err();
    let kept = pairs(&rejected);
    assert_eq!(
        kept[1..],
        fields[1..4]
            .iter()
            .map(|(n, v)| (n.as_bytes(), *v))
            .collect::<Vec<_>>()
    );
    let bytes: usize = kept
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    assert_eq!(bytes, max_entry_bytes(64));
}

#[test]
fn data_that_is_too_large_is_kept_up_to_the_limit_and_its_size_is_reported() {
    let mut large = entry(&[("tenant", b"acme"), ("type", b"a"), ("data", &[b'1'; 65])]);
    large.cut = 1000;
    let rejected = large.read(&context()).content.unwrap_err();
    assert_eq!(
        rejected.reason,
        "data of 1065 bytes; at most 64 are allowed"
    );
    assert_eq!(rejected.field("data").unwrap().bytes().len(), 64);
}
