//! Audio, video and aggregates: types 8, 9 and 22. [RTMP 7.1.4 to 7.1.6]

use bytes::Bytes;

use super::MessageType;
use crate::reader::Reader;

/// Bytes of the back pointer behind each part.
const BACK_POINTER_BYTES: usize = 4;

/// What a media message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// An FLV audio tag body.
    Audio,
    /// An FLV video tag body.
    Video,
    /// An AMF0 data body.
    Data,
}

impl MediaKind {
    /// The kind of a message or FLV tag of this type: 8, 9 or 18. `None` for any other.
    #[must_use]
    pub const fn from_type_id(id: u8) -> Option<Self> {
        match MessageType::from_id(id) {
            MessageType::Audio => Some(Self::Audio),
            MessageType::Video => Some(Self::Video),
            MessageType::DataAmf0 => Some(Self::Data),
            _ => None,
        }
    }

    /// The message type that we send for it.
    #[must_use]
    pub const fn message_type(self) -> MessageType {
        match self {
            Self::Audio => MessageType::Audio,
            Self::Video => MessageType::Video,
            Self::Data => MessageType::DataAmf0,
        }
    }
}

/// The tags inside an aggregate, in order, with rebased timestamps. [WIRE 089]
///
/// It gives `None` for a tag that is not audio, video or data, so that a caller can count what even those cost. It
/// ends quietly at a tag that runs past the body. [WIRE 090]
#[derive(Debug, Clone)]
pub struct Aggregate {
    body: Bytes,
    timestamp: u32,
    first: Option<u32>,
}

/// One part of an aggregate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Audio, video or data.
    pub kind: MediaKind,
    /// Milliseconds on the connection's clock.
    pub timestamp: u32,
    /// The tag's data, copied: a small part that somebody keeps must not keep the whole aggregate.
    pub payload: Bytes,
}

impl Aggregate {
    /// Splits `body`, which came in a message with `timestamp`.
    #[must_use]
    pub const fn new(body: Bytes, timestamp: u32) -> Self {
        Self {
            body,
            timestamp,
            first: None,
        }
    }
}

impl Iterator for Aggregate {
    type Item = Option<Part>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(tag) = self.next_tag() else {
            self.body = Bytes::new();
            return None;
        };
        // [WIRE 089] The first tag stands at the message's time, whatever it is.
        let first = *self.first.get_or_insert(tag.timestamp);
        let elapsed = tag.timestamp.wrapping_sub(first);
        Some(tag.kind.map(|kind| Part {
            kind,
            timestamp: self.timestamp.wrapping_add(elapsed),
            payload: Bytes::copy_from_slice(&tag.payload),
        }))
    }
}

/// An FLV tag as it stands in the body.
struct Tag {
    kind: Option<MediaKind>,
    timestamp: u32,
    /// A slice of the aggregate.
    payload: Bytes,
}

impl Aggregate {
    /// Cuts one tag and its back pointer off the front; `None` when it is not whole.
    fn next_tag(&mut self) -> Option<Tag> {
        let mut reader = Reader::new(&self.body);
        let kind = match reader.u8()? {
            8 => Some(MediaKind::Audio),
            9 => Some(MediaKind::Video),
            18 => Some(MediaKind::Data),
            _ => None,
        };
        let size = reader.u24()? as usize;
        let timestamp_low = reader.u24()?;
        let timestamp_high = u32::from(reader.u8()?) << 24;
        reader.u24()?;
        let from = self.body.len().saturating_sub(reader.len());
        reader.take(size)?;
        // The last back pointer may be missing.
        let _ = reader.take(BACK_POINTER_BYTES.min(reader.len()));
        let rest = self.body.len().saturating_sub(reader.len());
        let payload = self.body.slice(from..from.saturating_add(size));
        self.body = self.body.slice(rest..);
        Some(Tag {
            kind,
            timestamp: timestamp_high | timestamp_low,
            payload,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(kind: u8, timestamp: u32, data: &[u8]) -> Vec<u8> {
        let size = u8::try_from(data.len()).unwrap();
        let [high, a, b, c] = timestamp.to_be_bytes();
        let mut tag = vec![kind, 0, 0, size, a, b, c, high, 0, 0, 0];
        tag.extend_from_slice(data);
        tag.extend_from_slice(&[0, 0, 0, size + 11]);
        tag
    }

    fn parts(body: Vec<u8>, timestamp: u32) -> Vec<(MediaKind, u32, Vec<u8>)> {
        Aggregate::new(body.into(), timestamp)
            .flatten()
            .map(|part| (part.kind, part.timestamp, part.payload.to_vec()))
            .collect()
    }

    /// [WIRE 089] V47: audio at 500 and video at 510 in a message at 1000.
    #[test]
    fn kinds_are_message_types() {
        for kind in [MediaKind::Audio, MediaKind::Video, MediaKind::Data] {
            let id = kind.message_type().id();
            assert_eq!(MediaKind::from_type_id(id), Some(kind));
        }
        assert_eq!(MediaKind::from_type_id(15), None);
    }

    #[test]
    fn parts_are_rebased_to_the_message() {
        let body = [
            0x08, 0x00, 0x00, 0x03, 0x00, 0x01, 0xf4, 0x00, 0x00, 0x00, 0x00, 0xaf, 0x01, 0xaa,
            0x00, 0x00, 0x00, 0x0e, 0x09, 0x00, 0x00, 0x06, 0x00, 0x01, 0xfe, 0x00, 0x00, 0x00,
            0x00, 0x27, 0x01, 0x00, 0x00, 0x00, 0xbb, 0x00, 0x00, 0x00, 0x11,
        ];
        let expected = vec![
            (MediaKind::Audio, 1000, vec![0xaf, 0x01, 0xaa]),
            (
                MediaKind::Video,
                1010,
                vec![0x27, 0x01, 0x00, 0x00, 0x00, 0xbb],
            ),
        ];
        assert_eq!(parts(body.to_vec(), 1000), expected);
        let without_last_pointer = body[..body.len() - 4].to_vec();
        assert_eq!(parts(without_last_pointer, 1000), expected);
    }

    /// [WIRE 089] The upper timestamp byte counts, and times wrap.
    #[test]
    fn timestamps_have_32_bits_and_wrap() {
        let body = [tag(18, 0x01ff_fff0, b"a"), tag(8, 0x0200_0000, b"b")].concat();
        let expected = vec![
            (MediaKind::Data, 0xffff_fff8, b"a".to_vec()),
            (MediaKind::Audio, 8, b"b".to_vec()),
        ];
        assert_eq!(parts(body, 0xffff_fff8), expected);
    }

    /// [WIRE 090] Other kinds and nested aggregates are no parts, but the first one gives the time base.
    #[test]
    fn other_kinds_are_counted_only() {
        let nested = tag(22, 100, &tag(8, 100, b"hidden"));
        let body = [nested, tag(20, 105, b"command"), tag(9, 110, b"v")].concat();
        let video = (MediaKind::Video, 10, b"v".to_vec());
        assert_eq!(parts(body.clone(), 0), vec![video]);
        let tags: Vec<_> = Aggregate::new(body.into(), 0).collect();
        assert_eq!((tags.len(), tags.iter().flatten().count()), (3, 1));
    }

    /// Whoever keeps a part of a large aggregate keeps the bytes of that part only.
    #[test]
    fn a_part_does_not_hold_the_aggregate() {
        let body = Bytes::from([tag(8, 0, b"kept"), tag(9, 0, &[0; 200])].concat());
        let part = Aggregate::new(body.clone(), 0).flatten().next().unwrap();
        assert_eq!(part.payload, &b"kept"[..]);
        assert!(body.is_unique(), "the part is a slice of the aggregate");
    }

    /// [WIRE 090] What was whole before a broken size stays, at every cut.
    #[test]
    fn a_part_past_the_end_ends_it() {
        let first = tag(8, 0, b"audio");
        let second = tag(9, 5, b"video");
        let body = [first.clone(), second.clone()].concat();
        for end in 0..body.len() {
            let whole = if end >= body.len() - BACK_POINTER_BYTES {
                2
            } else {
                usize::from(end >= first.len() - BACK_POINTER_BYTES)
            };
            assert_eq!(parts(body[..end].to_vec(), 0).len(), whole, "cut at {end}");
        }
        let mut iterator = Aggregate::new(body[..body.len() - 5].to_vec().into(), 0);
        assert!(iterator.next().is_some());
        assert!(iterator.next().is_none());
        assert!(iterator.next().is_none(), "it stays at its end");
    }
}
