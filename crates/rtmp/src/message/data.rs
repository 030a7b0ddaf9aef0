//! Data messages: types 18 and 15. [RTMP 7.1.2]

use bytes::Bytes;

use crate::amf0::Decoder;
use crate::limits::AmfLimits;
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
        /// False when a value is AMF3, which a player with object encoding 0 cannot read.
        plain: bool,
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
        /// False when a value is AMF3.
        plain: bool,
    },
}

impl Data {
    /// Decodes the body of a type 18 message; `None` when its first value is no string. [WIRE 093]
    ///
    /// The body is a slice of `payload`: values are looked through but not changed, so odd ones pass untouched.
    #[must_use]
    pub fn decode(payload: &Bytes) -> Option<Self> {
        Self::decode_amf0(payload, AmfLimits::default())
    }

    /// Decodes the body of a type 15 message: as type 18 after its format byte. [WIRE 087]
    #[must_use]
    pub fn decode_amf3(payload: &Bytes, limits: AmfLimits) -> Option<Self> {
        match payload.first() {
            Some(0) => Self::decode_amf0(&payload.slice(1..), limits),
            _ => Self::decode_amf0(payload, limits),
        }
    }

    fn decode_amf0(payload: &Bytes, limits: AmfLimits) -> Option<Self> {
        let (first, values) = split_name(payload)?;
        match first.as_bytes() {
            b"@setDataFrame" => {
                let (name, rest) = split_name(&values)?;
                let plain = is_plain(&rest, limits);
                let body = values;
                Some(Self::Set { name, body, plain })
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
                plain: is_plain(&values, limits),
            }),
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

/// Whether no value is AMF3, as far as they can be read.
fn is_plain(values: &[u8], limits: AmfLimits) -> bool {
    let mut decoder = Decoder::new(values, limits);
    while !decoder.has_amf3() && matches!(decoder.next_value(), Ok(Some(_))) {}
    !decoder.has_amf3()
}
