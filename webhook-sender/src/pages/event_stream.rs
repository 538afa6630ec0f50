//! Reads server-sent events (HTML standard, section 9.2).

/// The most bytes of an event; a larger one is left out.
const MAX_EVENT: usize = 4 << 20;

/// An event of a stream.
#[derive(Debug, PartialEq, Eq)]
pub struct ServerEvent {
    /// The name; empty for an event without one.
    pub name: String,
    pub data: String,
}

/// Splits a stream into events.
#[derive(Default)]
pub struct Decoder {
    pending: Vec<u8>,
}

impl Decoder {
    /// Takes the next bytes of the stream, and returns the events that they complete.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<ServerEvent> {
        self.pending.extend_from_slice(bytes);
        let mut complete = Vec::new();
        while let Some(end) = end_of_event(&self.pending) {
            let event: Vec<u8> = self.pending.drain(..end).collect();
            complete.extend(parsed(&event));
        }
        if self.pending.len() > MAX_EVENT {
            self.pending.clear();
        }
        complete
    }
}

/// Returns the position after the empty line that ends the first event.
fn end_of_event(bytes: &[u8]) -> Option<usize> {
    let empty = bytes.windows(2).position(|pair| pair == b"\n\n");
    empty.map(|start| start + 2)
}

/// Returns an event; none if it has no data, like a comment.
fn parsed(event: &[u8]) -> Option<ServerEvent> {
    let text = String::from_utf8_lossy(event);
    let field = |name: &str| -> Vec<&str> {
        let values = text.lines().filter_map(|line| {
            let value = line.strip_prefix(name)?.strip_prefix(':')?;
            Some(value.strip_prefix(' ').unwrap_or(value))
        });
        values.collect()
    };
    let data = field("data");
    (!data.is_empty()).then(|| ServerEvent {
        name: field("event").concat(),
        data: data.join("\n"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_complete_wherever_the_stream_is_split() {
        let stream = b": hello\n\nevent: x\ndata: {\"a\":\ndata: 1}\n\nid: 7\ndata:two\n\n";
        for split in 0..stream.len() {
            let (first, second) = stream.split_at(split);
            let mut decoder = Decoder::default();
            let mut all = decoder.take(first);
            all.extend(decoder.take(second));
            let event = |name: &str, data: &str| ServerEvent {
                name: name.into(),
                data: data.into(),
            };
            let expected = [event("x", "{\"a\":\n1}"), event("", "two")];
            assert_eq!(all, expected, "split at {split}");
        }
    }

    #[test]
    fn an_event_without_an_end_is_not_collected_for_ever() {
        let mut decoder = Decoder::default();
        (0..6).for_each(|_| assert!(decoder.take(&[b'x'; 1 << 20]).is_empty()));
        assert!(decoder.pending.len() <= MAX_EVENT);
    }
}
