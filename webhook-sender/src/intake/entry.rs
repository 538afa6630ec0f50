//! Reads an entry.

use bytes::Bytes;

use super::Taken;
use crate::model::{Event, Millis, Rejected, Source, TenantId};
use crate::plan::Given;

/// The most of a value, and the most values, that a rejected entry is kept with.
const MAX_VALUE_CHARS: usize = 4096;
const MAX_FIELDS: usize = 32;

/// The fields that are read. They are kept however many there are beside them.
const READ: [&[u8]; 6] = [
    b"tenant",
    b"type",
    b"data",
    b"id",
    b"timestamp",
    b"ordering_key",
];

/// An entry as it stands in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub id: String,
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Why nothing can be made of an entry.
struct Fault {
    code: &'static str,
    reason: String,
}

impl Entry {
    /// About how much of memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.fields
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum()
    }

    /// What it says. `now` is the moment of events that name none.
    pub(super) fn read(mut self, max_data_bytes: usize, now: Millis) -> Taken {
        let tenant = self.tenant();
        let event = match &tenant {
            Ok(_) => self.event(max_data_bytes, now),
            Err(_) => Err(Fault {
                code: "no-tenant",
                reason: String::new(),
            }),
        };
        let (tenant, content) = match (tenant, event) {
            (Ok(tenant), event) => (Some(tenant), event),
            (Err(fault), _) => (None, Err(fault)),
        };
        let content = content.map_err(|fault| self.rejected(fault.code, fault.reason, now));
        Taken {
            id: self.id,
            tenant,
            content,
        }
    }

    /// An entry that is given up although it may be well-formed: so it is kept with all its data,
    /// to be planned after all.
    pub(super) fn give_up(self, deliveries: u64, max_data_bytes: usize, now: Millis) -> Taken {
        let reason = format!("was taken {deliveries} times and never planned");
        let tenant = self.owner();
        let mut rejected = self.rejected("poison", reason, now);
        if let Some(data) = self
            .field("data")
            .filter(|data| data.len() <= max_data_bytes)
            && let Some((_, value)) = rejected.fields.iter_mut().find(|(name, _)| name == "data")
        {
            *value = String::from_utf8_lossy(data).into_owned();
        }
        Taken {
            tenant,
            content: Err(rejected),
            id: self.id,
        }
    }

    fn field(&self, name: &str) -> Option<&[u8]> {
        let named = |(field, _): &&(Vec<u8>, Vec<u8>)| field == name.as_bytes();
        self.fields
            .iter()
            .find(named)
            .map(|(_, value)| value.as_slice())
    }

    fn text(&self, name: &'static str, code: &'static str) -> Result<Option<&str>, Fault> {
        let text = self.field(name).map(std::str::from_utf8).transpose();
        text.map_err(|_| Fault {
            code,
            reason: format!("field `{name}` is not UTF-8"),
        })
    }

    /// Whose it is, if it names a tenant.
    pub(super) fn owner(&self) -> Option<TenantId> {
        self.tenant().ok()
    }

    fn tenant(&self) -> Result<TenantId, Fault> {
        let missing = Fault {
            code: "no-tenant",
            reason: "field `tenant` is missing".into(),
        };
        let text = self.text("tenant", "bad-tenant")?.ok_or(missing)?;
        let fault = |error: crate::model::IdError| Fault {
            code: "bad-tenant",
            reason: error.to_string(),
        };
        TenantId::parse(text).map_err(fault)
    }

    fn event(&mut self, max_data_bytes: usize, now: Millis) -> Result<Event, Fault> {
        let missing = |name| format!("field `{name}` is missing");
        let data = self.take_data();
        let checked = || {
            let data = data.clone().ok_or(Fault {
                code: "no-data",
                reason: missing("data"),
            })?;
            let kind = self.text("type", "bad-type")?;
            let kind = kind.ok_or(Fault {
                code: "no-type",
                reason: missing("type"),
            })?;
            let given = Given {
                id: Some(self.text("id", "bad-id")?.unwrap_or(&self.id)),
                kind,
                data,
                timestamp: self.text("timestamp", "bad-timestamp")?,
                ordering_key: self.text("ordering_key", "bad-ordering-key")?,
            };
            given.check(max_data_bytes, now).map_err(|error| Fault {
                code: error.code(),
                reason: error.to_string(),
            })
        };
        let event = checked();
        if let (Err(_), Some(data)) = (&event, data) {
            self.put_back(&data);
        }
        event
    }

    /// The data, without a copy.
    fn take_data(&mut self) -> Option<Bytes> {
        let field = self.fields.iter_mut().find(|(name, _)| name == b"data");
        field.map(|(_, value)| std::mem::take(value).into())
    }

    fn put_back(&mut self, data: &[u8]) {
        if let Some((_, value)) = self.fields.iter_mut().find(|(name, _)| name == b"data") {
            // No more than a rejected entry is kept with.
            *value = data[..data.len().min(4 * MAX_VALUE_CHARS)].to_vec();
        }
    }

    fn rejected(&self, code: &str, reason: String, now: Millis) -> Rejected {
        let fields = self.fields.iter().enumerate();
        let fields = fields.filter(|(index, field)| *index < MAX_FIELDS || self.is_read(field));
        Rejected {
            id: self.id.clone(),
            tenant: None,
            source: Source::Stream,
            at: now,
            code: code.into(),
            reason,
            fields: fields
                .map(|(_, (name, value))| (shown(name), shown(value)))
                .collect(),
        }
    }

    /// Whether it is the field that counts of those that are read: the first of its name.
    fn is_read(&self, field: &(Vec<u8>, Vec<u8>)) -> bool {
        let named = |(name, _): &&(Vec<u8>, Vec<u8>)| *name == field.0;
        READ.contains(&&*field.0)
            && self
                .fields
                .iter()
                .find(named)
                .is_some_and(|first| std::ptr::eq(first, field))
    }
}

/// The start of a text, whatever its bytes are.
fn shown(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(4 * MAX_VALUE_CHARS)];
    String::from_utf8_lossy(start)
        .chars()
        .take(MAX_VALUE_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(fields: &[(&str, &[u8])]) -> Entry {
        let field = |(name, value): &(&str, &[u8])| (name.as_bytes().to_vec(), value.to_vec());
        Entry {
            id: "1700000000000-0".into(),
            fields: fields.iter().map(field).collect(),
        }
    }

    fn read(fields: &[(&str, &[u8])]) -> Taken {
        entry(fields).read(64, Millis(5))
    }

    #[test]
    fn an_entry_without_an_id_goes_by_its_own() {
        let taken = read(&[
            ("tenant", b"acme"),
            ("type", b"a.b"),
            ("data", b" {\"x\": 1}"),
        ]);
        let event = taken.content.unwrap();
        assert_eq!(event.id.as_str(), "1700000000000-0");
        assert_eq!(
            (event.at, &event.data[..]),
            (Millis(5), &b" {\"x\": 1}"[..])
        );
    }

    #[test]
    fn every_field_is_taken() {
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
        type Fields<'a> = &'a [(&'a str, &'a [u8])];
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
            assert!(!rejected.reason.is_empty(), "{code}");
        }
    }

    #[test]
    fn a_rejected_entry_keeps_its_data() {
        let rejected = read(&[("tenant", b"acme"), ("data", b"{\xff")])
            .content
            .unwrap_err();
        assert_eq!(rejected.fields[1], ("data".into(), "{\u{fffd}".into()));
    }

    #[test]
    fn what_is_given_up_keeps_all_that_is_needed_to_plan_it_after_all() {
        let data = format!("\"{}\"", "ä".repeat(MAX_VALUE_CHARS));
        let noise = ("noise", &b"x"[..]);
        let mut fields = vec![noise; MAX_FIELDS];
        let wanted = [
            ("tenant", &b"acme"[..]),
            ("type", b"a.b"),
            ("data", data.as_bytes()),
        ];
        fields.extend(wanted);
        fields.extend([noise, ("data", b"another")]);
        let given_up = |max| {
            entry(&fields)
                .give_up(5, max, Millis(5))
                .content
                .unwrap_err()
        };
        let rejected = given_up(data.len());
        assert_eq!(rejected.fields.len(), MAX_FIELDS + wanted.len());
        for (kept, (name, value)) in rejected.fields[MAX_FIELDS..].iter().zip(wanted) {
            assert_eq!((kept.0.as_str(), kept.1.as_bytes()), (name, value));
        }
        // What could not be planned for its size is cut.
        let cut = given_up(data.len() - 1);
        assert_eq!(
            cut.fields.last().unwrap().1.chars().count(),
            MAX_VALUE_CHARS
        );
    }
}
