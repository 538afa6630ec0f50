//! Parses the fields of an entry into an event.

use bytes::Bytes;
use webhook_model::{Event, EventError, FieldText, Millis, RawEvent, Rejected, Source, TenantId};

use super::SourceEntry;

/// The most bytes of a rejected entry that are kept besides its data.
const MAX_REST_BYTES: usize = 64 << 10;

/// The fields that are read. They take precedence when a rejected entry is shortened.
const READ: [&[u8]; 6] = [
    b"tenant",
    b"type",
    b"data",
    b"id",
    b"timestamp",
    b"ordering_key",
];

/// An entry as its source holds it, not parsed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub id: String,
    pub fields: Vec<(Bytes, Bytes)>,
    /// The number of bytes of data beyond the limit, which were not read.
    pub cut: usize,
}

/// Returns the most bytes of an entry that are kept in memory.
pub(super) fn max_entry_bytes(max_data_bytes: usize) -> usize {
    max_data_bytes.saturating_add(MAX_REST_BYTES)
}

/// The circumstances in which an entry was read.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    /// The source that it was read from.
    pub source: &'a Source,
    /// The id that is derived from the entry.
    pub derived: &'a str,
    /// The tenant of all entries of the source, if it has one.
    pub tenant: Option<&'a TenantId>,
    pub redelivered: bool,
    pub max_data_bytes: usize,
    /// The timestamp of events without one.
    pub now: Millis,
}

/// The reason why an entry cannot be planned.
#[derive(Debug)]
pub(super) struct Fault {
    pub code: &'static str,
    pub reason: String,
}

impl From<EventError> for Fault {
    fn from(error: EventError) -> Self {
        Self {
            code: error.code(),
            reason: error.to_string(),
        }
    }
}

impl Entry {
    /// Returns the approximate size in memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.fields
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum()
    }

    /// Parses the event.
    pub(super) fn read(self, context: &Context<'_>) -> SourceEntry {
        let Context {
            derived,
            redelivered,
            ..
        } = *context;
        let bytes = self.bytes();
        let (tenant, event) = match self.tenant(context.tenant) {
            Ok(tenant) => (Some(tenant), self.event(context)),
            Err(fault) => (None, Err(fault)),
        };
        let content = event.map_err(|fault| self.rejected(context, fault));
        let derived = derived.to_owned();
        SourceEntry {
            id: self.id,
            derived,
            tenant,
            redelivered,
            bytes,
            content,
        }
    }

    /// Rejects the entry for a fault that was found before its fields.
    pub(super) fn reject(self, context: &Context<'_>, fault: Fault) -> SourceEntry {
        SourceEntry {
            derived: context.derived.to_owned(),
            tenant: context.tenant.cloned(),
            redelivered: context.redelivered,
            bytes: self.bytes(),
            content: Err(self.rejected(context, fault)),
            id: self.id,
        }
    }

    fn field(&self, name: &str) -> Option<&Bytes> {
        let named = |(field, _): &&(Bytes, Bytes)| field == name.as_bytes();
        self.fields.iter().find(named).map(|(_, value)| value)
    }

    fn text(&self, name: &'static str, code: &'static str) -> Result<Option<&str>, Fault> {
        let text = self.field(name).map(|value| std::str::from_utf8(value));
        text.transpose().map_err(|_| Fault {
            code,
            reason: format!("field `{name}` is not UTF-8"),
        })
    }

    fn required<T>(field: Option<T>, name: &'static str, code: &'static str) -> Result<T, Fault> {
        let reason = || format!("field `{name}` is missing");
        field.ok_or_else(|| Fault {
            code,
            reason: reason(),
        })
    }

    fn tenant(&self, fixed: Option<&TenantId>) -> Result<TenantId, Fault> {
        let text = self.text("tenant", "bad-tenant")?;
        let text = match (fixed, text) {
            (Some(fixed), None) => return Ok(fixed.clone()),
            (Some(fixed), Some(text)) if text == fixed.as_str() => return Ok(fixed.clone()),
            (Some(fixed), Some(text)) => {
                return Err(Fault {
                    code: "bad-tenant",
                    reason: format!("tenant `{text}`; all entries of the source are of `{fixed}`"),
                });
            }
            (None, text) => Self::required(text, "tenant", "no-tenant")?,
        };
        TenantId::parse(text).map_err(|error| Fault {
            code: "bad-tenant",
            reason: error.to_string(),
        })
    }

    fn event(&self, context: &Context<'_>) -> Result<Event, Fault> {
        let data = Self::required(self.field("data"), "data", "no-data")?.clone();
        let kind = Self::required(self.text("type", "bad-type")?, "type", "no-type")?;
        let raw = RawEvent {
            id: Some(self.text("id", "bad-id")?.unwrap_or(context.derived)),
            kind,
            data,
            timestamp: self.text("timestamp", "bad-timestamp")?,
            ordering_key: self.text("ordering_key", "bad-ordering-key")?,
            source: context.source.clone(),
        };
        let event = raw.check(context.max_data_bytes, context.now);
        event.map_err(|error| Fault::from(self.whole(error)))
    }

    /// Corrects the size in an error to that of the data at the source.
    fn whole(&self, error: EventError) -> EventError {
        match error {
            EventError::TooLarge { bytes, max } => EventError::TooLarge {
                bytes: bytes.saturating_add(self.cut),
                max,
            },
            other => other,
        }
    }

    fn rejected(&self, context: &Context<'_>, fault: Fault) -> Rejected {
        Rejected {
            id: context.derived.to_owned(),
            tenant: None,
            source: context.source.clone(),
            at: context.now,
            code: fault.code.into(),
            reason: fault.reason,
            fields: self.kept(context.max_data_bytes),
        }
    }

    /// Returns the fields to keep of a rejected entry: all of them, unless they exceed the maximum size
    /// of an entry. In that case the fields in [`READ`] take precedence, and the others are cut.
    fn kept(&self, max_data_bytes: usize) -> Vec<(FieldText, FieldText)> {
        let read = self.read_fields();
        let own = read.iter().flatten().filter_map(|at| self.fields.get(*at));
        let own = own.map(|(name, value)| name.len() + value.len().min(max_data_bytes));
        let own: usize = own.sum();
        let mut room = max_entry_bytes(max_data_bytes).saturating_sub(own);
        let mut kept = Vec::with_capacity(self.fields.len());
        for (at, (name, value)) in self.fields.iter().enumerate() {
            if read.contains(&Some(at)) {
                let value = value.slice(..value.len().min(max_data_bytes));
                kept.push((name.clone().into(), value.into()));
            } else if room > 0 {
                let name = name.slice(..name.len().min(room));
                room -= name.len();
                let value = value.slice(..value.len().min(room));
                room -= value.len();
                kept.push((name.into(), value.into()));
            }
        }
        kept
    }

    /// Returns the indices of the fields in [`READ`], the first of each name. A single pass, because
    /// publishers decide how many fields an entry has.
    fn read_fields(&self) -> [Option<usize>; READ.len()] {
        let mut indices = [None; READ.len()];
        for (at, (name, _)) in self.fields.iter().enumerate() {
            if let Some(read) = READ.iter().position(|read| *read == &name[..]) {
                indices[read].get_or_insert(at);
            }
        }
        indices
    }
}

#[cfg(test)]
mod tests;
