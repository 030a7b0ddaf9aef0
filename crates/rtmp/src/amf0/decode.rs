//! Bytes to AMF0 values, with a stack of open containers in place of recursion.

use super::{AmfError, Budget, Properties, Value};
use crate::amf3;
use crate::limits::AmfLimits;
use crate::reader::Reader;
use crate::text::Text;

const OBJECT_END: u8 = 0x09;

/// Reads the values of one message, one after the other.
#[derive(Debug)]
pub struct Decoder<'a> {
    reader: Reader<'a>,
    budget: Budget,
    /// Values behind the marker 11 share their tables in a message, as Flash Player writes them.
    tables: amf3::Tables,
}

impl<'a> Decoder<'a> {
    /// Starts at the front of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8], limits: AmfLimits) -> Self {
        Self {
            reader: Reader::new(bytes),
            budget: Budget::new(limits),
            tables: amf3::Tables::new(),
        }
    }

    /// The next value, or `None` at the end.
    ///
    /// Properties that end with the message, without their terminator, are complete.
    ///
    /// # Errors
    /// [`AmfError`]; nothing is left to read after one.
    pub fn next_value(&mut self) -> Result<Option<Value>, AmfError> {
        if self.reader.len() == 0 {
            return Ok(None);
        }
        let value = self.read_value();
        if value.is_err() {
            self.reader = Reader::new(&[]);
        }
        value
    }

    fn read_value(&mut self) -> Result<Option<Value>, AmfError> {
        let mut open = Vec::new();
        loop {
            let mut complete = match self.read_start(open.len())? {
                Start::Value(value) => Some(value),
                Start::Container(container) => {
                    open.push(container);
                    None
                }
            };
            // Hands the value to the innermost container, and that one to the next if this completed it.
            loop {
                let Some(container) = open.last_mut() else {
                    return Ok(complete);
                };
                if let Some(value) = complete.take() {
                    container.add(value);
                }
                if container.wants_value(&mut self.reader, &mut self.budget)? {
                    break;
                }
                complete = open.pop().map(Container::into_value);
            }
        }
    }

    /// The bytes that are not read yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.reader.rest()
    }

    /// A whole value, or a container without its content. `open` containers are around it.
    fn read_start(&mut self, open: usize) -> Result<Start, AmfError> {
        let marker = self.reader.u8().ok_or(AmfError::Truncated)?;
        if marker == 0x11 {
            let value =
                amf3::decode_value(&mut self.reader, &mut self.tables, &mut self.budget, open)?;
            return Ok(Start::Value(Value::Amf3(Box::new(value))));
        }
        self.budget.count_value()?;
        if matches!(marker, 0x03 | 0x08 | 0x0a | 0x10) {
            self.budget.check_depth(open)?;
            return Ok(Start::Container(
                self.read_container(marker).ok_or(AmfError::Truncated)?,
            ));
        }
        if matches!(marker, 0x04 | OBJECT_END | 0x0e | 0x12..) {
            return Err(AmfError::Marker(marker));
        }
        let value = read_simple(marker, &mut self.reader).ok_or(AmfError::Truncated)?;
        Ok(Start::Value(value))
    }

    fn read_container(&mut self, marker: u8) -> Option<Container> {
        let reader = &mut self.reader;
        let kind = match marker {
            0x0a => {
                let left = reader.u32()?;
                // Each element takes at least one byte. [WIRE 078]
                if usize::try_from(left).ok()? > reader.len() {
                    return None;
                }
                let elements = Vec::new();
                return Some(Container::Elements { elements, left });
            }
            0x03 => Kind::Object,
            0x08 => {
                reader.u32()?;
                Kind::EcmaArray
            }
            _ => Kind::TypedObject(read_short_text(reader)?),
        };
        Some(Container::Properties {
            kind,
            properties: Properties::new(),
            name: Text::default(),
        })
    }
}

/// Reads all values of a message.
///
/// # Errors
/// [`AmfError`], also when only the last value is cut short.
pub fn decode_all(bytes: &[u8], limits: AmfLimits) -> Result<Vec<Value>, AmfError> {
    let mut decoder = Decoder::new(bytes, limits);
    let mut values = Vec::new();
    while let Some(value) = decoder.next_value()? {
        values.push(value);
    }
    Ok(values)
}

enum Start {
    Value(Value),
    Container(Container),
}

/// A container whose end has not come.
enum Container {
    Properties {
        kind: Kind,
        properties: Properties,
        /// The name of the value that comes next.
        name: Text,
    },
    Elements {
        elements: Vec<Value>,
        left: u32,
    },
}

enum Kind {
    Object,
    EcmaArray,
    TypedObject(Text),
}

impl Container {
    fn add(&mut self, value: Value) {
        match self {
            Self::Properties {
                properties, name, ..
            } => properties.push(std::mem::take(name), value),
            Self::Elements { elements, .. } => elements.push(value),
        }
    }

    /// Reads up to the next value; false at the end of the container.
    fn wants_value(
        &mut self,
        reader: &mut Reader<'_>,
        budget: &mut Budget,
    ) -> Result<bool, AmfError> {
        match self {
            Self::Elements { left, .. } => {
                let more = left.checked_sub(1);
                *left = more.unwrap_or(0);
                Ok(more.is_some())
            }
            // Some writers leave out the last terminator of a message.
            Self::Properties { .. } if reader.len() == 0 => Ok(false),
            Self::Properties { name, .. } => {
                *name = read_short_text(reader).ok_or(AmfError::Truncated)?;
                // An empty name before anything but the end marker is a real one. [WIRE 076]
                if name.is_empty() && reader.rest().first() == Some(&OBJECT_END) {
                    reader.u8();
                    return Ok(false);
                }
                budget.count_value()?;
                Ok(true)
            }
        }
    }

    fn into_value(self) -> Value {
        match self {
            Self::Elements { elements, .. } => Value::StrictArray(elements),
            Self::Properties {
                kind, properties, ..
            } => match kind {
                Kind::Object => Value::Object(properties),
                Kind::EcmaArray => Value::EcmaArray(properties),
                Kind::TypedObject(class) => Value::TypedObject { class, properties },
            },
        }
    }
}

/// A value without others in it; the marker is one of those.
fn read_simple(marker: u8, reader: &mut Reader<'_>) -> Option<Value> {
    Some(match marker {
        0x00 => Value::Number(reader.f64()?),
        0x01 => Value::Boolean(reader.u8()? != 0),
        0x02 => Value::String(read_short_text(reader)?),
        0x05 => Value::Null,
        0x06 => Value::Undefined,
        0x07 => Value::Reference(reader.u16()?),
        0x0b => Value::Date {
            unix_ms: reader.f64()?,
            zone: i16::from_be_bytes(reader.array()?),
        },
        0x0c => Value::String(read_long_text(reader)?),
        0x0f => Value::XmlDocument(read_long_text(reader)?),
        _ => Value::Unsupported,
    })
}

fn read_short_text(reader: &mut Reader<'_>) -> Option<Text> {
    let len = reader.u16()?;
    reader.take(usize::from(len)).map(Text::copy_from_bytes)
}

fn read_long_text(reader: &mut Reader<'_>) -> Option<Text> {
    let len = usize::try_from(reader.u32()?).ok()?;
    reader.take(len).map(Text::copy_from_bytes)
}
