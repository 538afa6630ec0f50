//! Validates published events, in one place for all sources.

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::{Event, EventId, MAX_TYPE_BYTES, Millis, Source};

/// The default maximum number of bytes of an event's data.
pub const MAX_DATA_BYTES: usize = 1 << 20;

/// The maximum number of bytes of an ordering key.
const MAX_ORDERING_KEY_BYTES: usize = 256;

/// The first segment of types that only the sender publishes.
const OPERATIONAL: &str = "operational";

/// An event as it was published, not validated yet.
#[derive(Clone, Debug)]
pub struct RawEvent<'a> {
    /// The id; `None` for a new random one.
    pub id: Option<&'a str>,
    pub kind: &'a str,
    /// JSON text.
    pub data: Bytes,
    /// RFC 3339, or Unix seconds with or without a fraction; `None` for now.
    pub timestamp: Option<&'a str>,
    /// The ordering key; an empty one counts as none.
    pub ordering_key: Option<&'a str>,
    pub source: Source,
}

/// The reason for which an event is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error(transparent)]
    Id(#[from] crate::IdError),
    #[error(
        "type `{0}` is not 1 to {MAX_TYPE_BYTES} visible ASCII characters in segments between full stops"
    )]
    Type(String),
    #[error("type `{0}` is one that only the sender publishes")]
    Reserved(String),
    #[error("data is not JSON: {0}")]
    Data(String),
    #[error("data of {bytes} bytes; at most {max} are allowed")]
    TooLarge { bytes: usize, max: usize },
    #[error("timestamp `{0}` is neither RFC 3339 nor Unix seconds")]
    Timestamp(String),
    #[error(
        "the ordering key is not 1 to {MAX_ORDERING_KEY_BYTES} bytes without control characters"
    )]
    OrderingKey,
}

impl EventError {
    /// Returns a code to branch on. It is stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Id(_) => "bad-id",
            Self::Type(_) => "bad-type",
            Self::Reserved(_) => "reserved-type",
            Self::Data(_) => "bad-data",
            Self::TooLarge { .. } => "too-large",
            Self::Timestamp(_) => "bad-timestamp",
            Self::OrderingKey => "bad-ordering-key",
        }
    }

    /// Returns the name of the invalid field.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Id(_) => "id",
            Self::Type(_) | Self::Reserved(_) => "type",
            Self::Data(_) | Self::TooLarge { .. } => "data",
            Self::Timestamp(_) => "timestamp",
            Self::OrderingKey => "ordering_key",
        }
    }
}

impl RawEvent<'_> {
    /// Validates the event. `now` is the time of acceptance.
    ///
    /// ```
    /// use webhook_model::{MAX_DATA_BYTES, Millis, RawEvent, Source};
    ///
    /// let raw = RawEvent {
    ///     id: Some("evt_1"),
    ///     kind: "order.shipped",
    ///     data: br#"{"id": 1}"#.as_slice().into(),
    ///     timestamp: Some("2026-01-01T00:00:00Z"),
    ///     ordering_key: None,
    ///     source: Source::API,
    /// };
    /// let event = raw.check(MAX_DATA_BYTES, Millis(0))?;
    /// assert_eq!(event.at, Millis(1_767_225_600_000));
    /// # Ok::<(), webhook_model::EventError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// An [`EventError`]. Cheap checks come first.
    pub fn check(self, max_data_bytes: usize, now: Millis) -> Result<Event, EventError> {
        check_kind(self.kind)?;
        let id = match self.id {
            Some(id) => EventId::parse(id)?,
            None => EventId::random(),
        };
        let ordering_key = self.ordering_key.filter(|key| !key.is_empty());
        if !ordering_key.is_none_or(is_ordering_key) {
            return Err(EventError::OrderingKey);
        }
        let at = self.timestamp.map_or(Ok(now), moment)?;
        check_data(&self.data, max_data_bytes)?;
        Ok(Event {
            id,
            kind: self.kind.to_owned(),
            data: self.data,
            at,
            ordering_key: ordering_key.map(str::to_owned),
            source: self.source,
        })
    }
}

fn check_kind(kind: &str) -> Result<(), EventError> {
    let segments = |kind: &str| kind.split('.').all(|segment| !segment.is_empty());
    let visible = kind.bytes().all(|byte| byte.is_ascii_graphic());
    if kind.len() > MAX_TYPE_BYTES || !visible || !segments(kind) {
        return Err(EventError::Type(excerpt(kind)));
    }
    if kind.split('.').next() == Some(OPERATIONAL) {
        Err(EventError::Reserved(excerpt(kind)))
    } else {
        Ok(())
    }
}

fn check_data(data: &[u8], max: usize) -> Result<(), EventError> {
    if data.len() > max {
        return Err(EventError::TooLarge {
            bytes: data.len(),
            max,
        });
    }
    // The parser skips the text without building values, so the depth of nesting has no limit.
    serde_json::from_slice::<&RawValue>(data)
        .map(|_| ())
        .map_err(|error| EventError::Data(error.to_string()))
}

fn is_ordering_key(key: &str) -> bool {
    key.len() <= MAX_ORDERING_KEY_BYTES && !key.chars().any(char::is_control)
}

fn moment(text: &str) -> Result<Millis, EventError> {
    let wrong = || EventError::Timestamp(excerpt(text));
    let starts_with_digit = text.starts_with(|first: char| first.is_ascii_digit());
    let is_number = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    let millis = if starts_with_digit && text.bytes().all(is_number) {
        seconds(text)
    } else {
        rfc3339(text)
    };
    millis
        .map(Millis)
        .filter(|at| *at <= Millis::NEVER)
        .ok_or_else(wrong)
}

/// Parses Unix seconds with or without a fraction to milliseconds, without a floating-point number,
/// which would round.
fn seconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let whole: u64 = whole
        .parse()
        .ok()
        .filter(|seconds| *seconds < LATEST_SECOND)?;
    let digits = fraction.bytes().all(|byte| byte.is_ascii_digit()) && !fraction.is_empty();
    let millis = format!("{fraction:0<3}")
        .get(..3)?
        .parse::<u64>()
        .ok()
        .filter(|_| digits)?;
    Some(whole * 1000 + millis)
}

/// The start of the year 10000: later times have no RFC 3339 form.
const LATEST_SECOND: u64 = 253_402_300_800;

fn rfc3339(text: &str) -> Option<u64> {
    let at: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(at.as_millisecond()).ok()
}

/// Returns the start of a text, for an error.
fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}
