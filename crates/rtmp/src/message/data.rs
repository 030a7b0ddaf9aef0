//! Data messages: types 18 and 15. [RTMP 7.1.2]

use bytes::Bytes;

use crate::reader::Reader;
use crate::text::Text;

/// A data message: an event name and values, as plain AMF0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// `@setDataFrame`, `name`, values: to be stored. The body starts at `name`. [WIRE 118]
    Set {
        /// The event, usually `onMetaData`.
        name: Text,
        /// AMF0: the name and its values, without `@setDataFrame`.
        body: Bytes,
    },
    /// `@clearDataFrame`, `name`: drop what is stored.
    Clear {
        /// The event; empty when it is missing.
        name: Text,
    },
    /// Any other event: forward as it is. A bare `onMetaData` comes here too.
    Event {
        /// The event.
        name: Text,
        /// AMF0: the name and its values.
        body: Bytes,
    },
}

impl Data {
    /// Decodes the body of a type 18 message; `None` when its first value is no string. [WIRE 093]
    ///
    /// The body is a slice of `payload`: only names are read, so odd values pass untouched.
    #[must_use]
    pub fn decode(payload: &Bytes) -> Option<Self> {
        let (first, values) = split_name(payload)?;
        match first.as_bytes() {
            b"@setDataFrame" => {
                let (name, _) = split_name(&values)?;
                Some(Self::Set { name, body: values })
            }
            b"@clearDataFrame" => {
                let name = split_name(&values)
                    .map(|(name, _)| name)
                    .unwrap_or_default();
                Some(Self::Clear { name })
            }
            _ => Some(Self::Event {
                name: first,
                body: payload.clone(),
            }),
        }
    }

    /// Decodes the body of a type 15 message: as type 18 after its format byte. [WIRE 087]
    #[must_use]
    pub fn decode_amf3(payload: &Bytes) -> Option<Self> {
        match payload.first() {
            Some(0) => Self::decode(&payload.slice(1..)),
            _ => Self::decode(payload),
        }
    }

    /// True for metadata that is to be stored: `onMetaData`, with or without `@setDataFrame`. [WIRE 118]
    #[must_use]
    pub fn is_metadata(&self) -> bool {
        match self {
            Self::Set { name, .. } | Self::Event { name, .. } => *name == "onMetaData",
            Self::Clear { .. } => false,
        }
    }
}

/// The AMF0 string `@setDataFrame`, put in front of metadata that is pushed to a server. [WIRE 189]
pub const SET_DATA_FRAME: &[u8; 16] = b"\x02\x00\x0d@setDataFrame";

/// A String or a Long String, and what follows it.
fn split_name(bytes: &Bytes) -> Option<(Text, Bytes)> {
    let mut reader = Reader::new(bytes);
    let len = match reader.u8()? {
        0x02 => usize::from(reader.u16()?),
        0x0c => usize::try_from(reader.u32()?).ok()?,
        _ => return None,
    };
    let name = reader.take(len)?;
    Some((bytes.slice_ref(name).into(), bytes.slice_ref(reader.rest())))
}
