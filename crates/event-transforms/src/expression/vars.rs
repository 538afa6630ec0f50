//! The variable `event`.

use std::collections::HashMap;
use std::sync::OnceLock;

use cel::common::types::{CelMap, CelMapKey, CelNull, CelString};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use webhook_model::{Event, TenantId};

use super::meter::ENV;
use super::read::read;

/// The fields of `event`.
pub const FIELDS: [&str; 6] = ["id", "type", "timestamp", "data", "tenant", "ordering_key"];

/// An event as the variable of expressions. Its data is parsed at the first use, and once for all
/// programs that run on it.
pub struct Vars<'d> {
    tenant: &'d TenantId,
    event: &'d Event,
    data: OnceLock<Result<Box<dyn Val + 'd>, String>>,
    whole: OnceLock<Box<dyn Val + 'd>>,
}

impl<'d> Vars<'d> {
    pub fn new(tenant: &'d TenantId, event: &'d Event) -> Self {
        Self {
            tenant,
            event,
            data: OnceLock::new(),
            whole: OnceLock::new(),
        }
    }

    /// Returns the published data.
    pub fn text(&self) -> &'d [u8] {
        &self.event.data
    }

    /// Returns the reason for which the data could not be parsed, if it was used.
    pub fn fault(&self) -> Option<&str> {
        self.data.get()?.as_ref().err().map(String::as_str)
    }

    fn data(&self) -> &(dyn Val + 'd) {
        static NULL: CelNull = CelNull;
        let read = self.data.get_or_init(|| read(&self.event.data));
        read.as_ref().map_or(&NULL, |data| &**data)
    }

    /// Returns all fields in one map.
    fn whole(&self) -> &(dyn Val + 'd) {
        &**self.whole.get_or_init(|| {
            let entry = |name: &'static str| {
                let value = self.field(name).unwrap_or(CowVal::Borrowed(&CelNull));
                (CelMapKey::String(CelString::from(name)), value.into_owned())
            };
            let fields: HashMap<_, _> = FIELDS.into_iter().map(entry).collect();
            Box::new(CelMap::from(fields))
        })
    }

    fn field<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'd>> {
        let text = |text: &'d str| CowVal::owned(CelString::from(text));
        Some(match name {
            "id" => text(self.event.id.as_str()),
            "type" => text(&self.event.kind),
            "tenant" => text(self.tenant.as_str()),
            "ordering_key" => match &self.event.ordering_key {
                Some(key) => text(key),
                None => CowVal::Borrowed(&CelNull),
            },
            "timestamp" => self.timestamp(),
            "data" => CowVal::Borrowed(self.data()),
            _ => return None,
        })
    }

    /// Returns the timestamp, or `null` if the language cannot represent it.
    fn timestamp<'b>(&'b self) -> CowVal<'b, 'd> {
        let text = || CowVal::owned(CelString::from(self.event.at.to_string()));
        let make = ENV.find_overload("timestamp", &[text()]);
        let made = make.and_then(|make| make(vec![text()]).ok());
        made.unwrap_or(CowVal::Borrowed(&CelNull))
    }
}

impl VariableResolver for Vars<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        match variable.strip_prefix("event")? {
            "" => Some(CowVal::Borrowed(self.whole())),
            field => self.field(field.strip_prefix('.')?),
        }
    }
}
