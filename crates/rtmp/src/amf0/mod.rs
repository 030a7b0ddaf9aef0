//! AMF0: the values in commands and data messages.
//!
//! Decoding is iterative, bounded in depth and number of values, and keeps strings as bytes.

mod budget;
mod decode;
mod encode;

pub(crate) use budget::Budget;
pub use decode::{Decoder, decode_all};
pub(crate) use encode::put_string;

use crate::amf3;
use crate::limits::LimitExceeded;
use crate::text::Text;

/// Named values in the order of the wire.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Properties(Vec<(Text, Value)>);

/// An AMF0 value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// 00.
    Number(f64),
    /// 01.
    Boolean(bool),
    /// 02, or 0c when it is longer than 65,535 bytes.
    String(Text),
    /// 03.
    Object(Properties),
    /// 05.
    Null,
    /// 06.
    Undefined,
    /// 07: an object seen before in the message; never resolved. [WIRE 079]
    Reference(u16),
    /// 08. The count on the wire is a hint and is not kept. [WIRE 074]
    EcmaArray(Properties),
    /// 0a.
    StrictArray(Vec<Self>),
    /// 0b.
    Date {
        /// Milliseconds since 1970, UTC.
        unix_ms: f64,
        /// The time zone field; writers put 0, readers ignore it.
        zone: i16,
    },
    /// 0d.
    Unsupported,
    /// 0f.
    XmlDocument(Text),
    /// 10.
    TypedObject {
        /// The class name.
        class: Text,
        /// Its properties.
        properties: Properties,
    },
    /// 11: one AMF3 value.
    Amf3(Box<amf3::Value>),
}

/// Why AMF bytes cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AmfError {
    /// The bytes end inside a value.
    #[error("AMF value is cut short")]
    Truncated,
    /// A marker that does not exist or is reserved.
    #[error("AMF marker {0:#04x} is not known")]
    Marker(u8),
    /// A command whose first value is no string.
    #[error("AMF string expected")]
    NotAString,
    /// A reference to something that was not there before. [WIRE 083]
    #[error("AMF3 reference {0} is out of range")]
    Reference(u32),
    /// An AMF3 class whose bytes only its author can read.
    #[error("AMF3 class is externalizable")]
    Externalizable,
    /// Too deep or too many values.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
}

impl Value {
    /// Text from a constant, without copying it.
    #[must_use]
    pub const fn text(text: &'static str) -> Self {
        Self::String(Text::from_static(text))
    }

    /// The number of a Number, AMF3 integers and doubles included.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Amf3(value) => match **value {
                amf3::Value::Integer(number) => Some(f64::from(number)),
                amf3::Value::Double(number) => Some(number),
                _ => None,
            },
            _ => None,
        }
    }

    /// The truth of a Boolean, AMF3 included.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(truth) => Some(*truth),
            Self::Amf3(value) => match **value {
                amf3::Value::Boolean(truth) => Some(truth),
                _ => None,
            },
            _ => None,
        }
    }

    /// The text of a String, AMF3 included.
    #[must_use]
    pub fn as_text(&self) -> Option<&Text> {
        match self {
            Self::String(text) => Some(text),
            Self::Amf3(value) => match &**value {
                amf3::Value::String(text) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// The properties of an Object, an ECMA Array or a Typed Object. [WIRE 075]
    #[must_use]
    pub const fn as_properties(&self) -> Option<&Properties> {
        match self {
            Self::Object(properties)
            | Self::EcmaArray(properties)
            | Self::TypedObject { properties, .. } => Some(properties),
            _ => None,
        }
    }

    /// The elements of a Strict Array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::StrictArray(elements) => Some(elements),
            _ => None,
        }
    }

    /// The value of a property, for anything with properties.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_properties()?.get(name)
    }

    /// True for Null and Undefined, AMF3 included.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Null | Self::Undefined => true,
            Self::Amf3(value) => matches!(**value, amf3::Value::Null | amf3::Value::Undefined),
            _ => false,
        }
    }
}

impl Properties {
    /// No properties.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds one at the end and gives the list back.
    #[must_use]
    pub fn with(mut self, name: impl Into<Text>, value: impl Into<Value>) -> Self {
        self.push(name, value);
        self
    }

    /// Adds one at the end.
    pub fn push(&mut self, name: impl Into<Text>, value: impl Into<Value>) {
        self.0.push((name.into(), value.into()));
    }

    /// The value with this name; the last one when it occurs twice.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = &(Text, Value)> {
        self.0.iter()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::String(text)
    }
}

impl From<Properties> for Value {
    fn from(properties: Properties) -> Self {
        Self::Object(properties)
    }
}
