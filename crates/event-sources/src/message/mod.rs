//! Parses a message of a queue into an event: three forms, told apart by their headers.
//!
//! | form | chosen by | |
//! |---|---|---|
//! | body | a header `type` | the body is the data, byte for byte |
//! | CloudEvent | content type `application/cloudevents+json` | structured mode of CloudEvents 1.0, section 3.2 of its JSON format |
//! | envelope | otherwise | a JSON object with the fields of an event, `data` among them |
//!
//! The headers `tenant`, `type`, `id`, `timestamp` and `ordering_key` have the meaning of an entry's
//! fields. In an envelope or a CloudEvent, they take precedence over what the body says.

mod cloud_event;
mod envelope;
mod fields;

use bytes::Bytes;
use webhook_model::EventError;

use self::fields::Fields;
use crate::SourceEntry;
use crate::entry::{Context, Entry, Fault, max_entry_bytes};

/// The media types of CloudEvents in structured mode, one event and several.
const CLOUD_EVENT: &str = "application/cloudevents+json";
const CLOUD_EVENT_BATCH: &str = "application/cloudevents-batch+json";

/// A message as its queue holds it, not parsed yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    /// The message's id at its source.
    pub id: String,
    pub headers: Vec<(Bytes, Bytes)>,
    /// The content type, where the protocol has it in another place than the headers.
    pub content_type: Option<String>,
    /// The ordering key, unless the headers or the body have one.
    pub key: Option<Bytes>,
    pub body: Bytes,
    /// The number of bytes at the end of the body that were not read. The body that is left exceeds the
    /// size of an event.
    pub cut: usize,
}

impl Message {
    /// Returns the approximate size in memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let headers = self.headers.iter();
        let headers: usize = headers.map(|(name, value)| name.len() + value.len()).sum();
        headers + self.key.as_ref().map_or(0, Bytes::len) + self.body.len()
    }

    /// Parses the event.
    pub(crate) fn read(mut self, context: &Context<'_>) -> SourceEntry {
        let bytes = self.bytes();
        let read = self.fields(context.max_data_bytes);
        let (id, cut) = (std::mem::take(&mut self.id), self.cut);
        let entry = |fields| Entry { id, fields, cut };
        let mut entry = match read {
            Ok(fields) => entry(fields).read(context),
            Err(fault) => {
                let mut fields = self.headers;
                fields.push((Bytes::from_static(b"body"), self.body));
                entry(fields).reject(context, fault)
            }
        };
        entry.bytes = bytes;
        entry
    }

    /// Returns the fields of the event, those that take precedence first.
    fn fields(&self, max_data_bytes: usize) -> Result<Fields, Fault> {
        let mut fields = if self.header("type").is_some() {
            let mut fields = vec![(Bytes::from_static(b"data"), self.body.clone())];
            fields.extend(self.headers.iter().cloned());
            fields
        } else {
            let max = max_entry_bytes(max_data_bytes);
            let bytes = self.body.len().saturating_add(self.cut);
            if bytes > max {
                return Err(Fault::from(EventError::TooLarge { bytes, max }));
            }
            let read = match self.media_type().as_deref() {
                Some(CLOUD_EVENT) => cloud_event::fields(&self.body)?,
                Some(CLOUD_EVENT_BATCH) => return Err(cloud_event::batch()),
                _ => envelope::fields(&self.body)?,
            };
            // A header cannot stand for the data of the body.
            let headers = self.headers.iter().filter(|(name, _)| name != "data");
            headers.cloned().chain(read).collect()
        };
        if let Some(key) = &self.key {
            fields.push((Bytes::from_static(b"ordering_key"), key.clone()));
        }
        Ok(fields)
    }

    fn header(&self, name: &str) -> Option<&Bytes> {
        let named = |(header, _): &&(Bytes, Bytes)| header == name.as_bytes();
        self.headers.iter().find(named).map(|(_, value)| value)
    }

    /// Returns the content type in lower case, without its parameters.
    fn media_type(&self) -> Option<String> {
        let in_headers = |(name, _): &&(Bytes, Bytes)| name.eq_ignore_ascii_case(b"content-type");
        let header = self.headers.iter().find(in_headers);
        let header = header.and_then(|(_, value)| std::str::from_utf8(value).ok());
        let text = self.content_type.as_deref().or(header)?;
        let media_type = text.split(';').next().unwrap_or_default();
        Some(media_type.trim().to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests;
