//! The encoding of fields in binary records.

use webhook_model::DeliveryId;

/// The error of a record that cannot be parsed. It names the delivery or event.
#[derive(Debug, thiserror::Error)]
#[error("the record of {0} cannot be read")]
pub(super) struct Unreadable(pub(super) String);

pub(super) fn short(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    out.push(len);
    out.extend_from_slice(&bytes[..usize::from(len)]);
}

pub(super) fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    joined(out, &[bytes]);
}

/// Writes the parts of one text.
pub(super) fn joined(out: &mut Vec<u8>, parts: &[&[u8]]) {
    let len = parts.iter().map(|part| part.len()).sum::<usize>();
    let len = u16::try_from(len).unwrap_or(u16::MAX);
    out.extend(len.to_be_bytes());
    let end = out.len() + usize::from(len);
    for part in parts {
        out.extend_from_slice(part);
    }
    out.truncate(end);
}

/// A reader of the remaining bytes of a record.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn number<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.number().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.number().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.number().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.number().map(u64::from_be_bytes)
    }

    pub(super) fn short(&mut self) -> Option<&'a [u8]> {
        let len = self.u8()?;
        self.take(len.into())
    }

    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?;
        self.take(len.into())
    }

    /// Reads a text, which may have been cut in the middle of a character.
    pub(super) fn string(&mut self) -> Option<String> {
        self.text()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    pub(super) fn delivery_ids(&mut self) -> Option<Vec<DeliveryId>> {
        let count = self.u16()?;
        let id = |bytes| DeliveryId::parse(std::str::from_utf8(bytes).ok()?).ok();
        (0..count).map(|_| id(self.short()?)).collect()
    }
}
