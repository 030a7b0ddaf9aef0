//! Bytes to AMF3 values, with a stack of open containers in place of recursion.

use bytes::Bytes;

use super::tables::{Header, Tables, check_left, get, read_u29, sign_extended, take};
use super::{Object, Value};
use crate::amf0::{AmfError, Budget};
use crate::limits::AmfLimits;
use crate::reader::Reader;
use crate::text::Text;

/// Externalizable classes whose bytes are one AMF3 value.
const CLASSES_WITH_ONE_VALUE: [&str; 2] = [
    "flex.messaging.io.ArrayCollection",
    "flex.messaging.io.ObjectProxy",
];

/// Reads AMF3 values that share their tables, one after the other.
#[derive(Debug)]
pub struct Decoder<'a> {
    reader: Reader<'a>,
    tables: Tables,
    budget: Budget,
}

impl<'a> Decoder<'a> {
    /// Starts at the front of `bytes`, at a marker.
    #[must_use]
    pub const fn new(bytes: &'a [u8], limits: AmfLimits) -> Self {
        Self {
            reader: Reader::new(bytes),
            tables: Tables::new(),
            budget: Budget::new(limits),
        }
    }

    /// The next value, or `None` at the end.
    ///
    /// # Errors
    /// [`AmfError`]; nothing is left to read after one.
    pub fn next_value(&mut self) -> Result<Option<Value>, AmfError> {
        if self.reader.len() == 0 {
            return Ok(None);
        }
        let value = decode_value(&mut self.reader, &mut self.tables, &mut self.budget, 0);
        if value.is_err() {
            self.reader = Reader::new(&[]);
        }
        value.map(Some)
    }

    /// The bytes that are not read yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.reader.rest()
    }
}

/// Reads one value inside `outer` open containers.
pub(crate) fn decode_value(
    reader: &mut Reader<'_>,
    tables: &mut Tables,
    budget: &mut Budget,
    outer: usize,
) -> Result<Value, AmfError> {
    let mut open: Vec<Container> = Vec::new();
    loop {
        budget.count_value()?;
        let marker = reader.u8().ok_or(AmfError::Truncated)?;
        let mut complete = match read_start(marker, reader, tables, budget)? {
            Start::Value(value) => Some(value),
            Start::Container(container) => {
                budget.check_depth(outer.saturating_add(open.len()))?;
                open.push(container);
                None
            }
        };
        // Hands the value to the innermost container, and that one to the next if this completed it.
        loop {
            let Some(container) = open.last_mut() else {
                // Without containers the value is complete.
                return complete.ok_or(AmfError::Truncated);
            };
            if let Some(value) = complete.take() {
                container.add(value);
            }
            if container.wants_value(reader, tables, budget)? {
                break;
            }
            complete = open.pop().map(|container| container.into_value(tables));
        }
    }
}

enum Start {
    Value(Value),
    Container(Container),
}

/// A whole value, or a container without its content.
fn read_start(
    marker: u8,
    reader: &mut Reader<'_>,
    tables: &mut Tables,
    budget: &mut Budget,
) -> Result<Start, AmfError> {
    Ok(Start::Value(match marker {
        0x00 => Value::Undefined,
        0x01 => Value::Null,
        0x02 => Value::Boolean(false),
        0x03 => Value::Boolean(true),
        0x04 => Value::Integer(sign_extended(read_u29(reader)?)),
        0x05 => Value::Double(reader.f64().ok_or(AmfError::Truncated)?),
        0x06 => Value::String(tables.read_text(reader)?),
        0x07..=0x11 => {
            return match tables.read_header(reader)? {
                Header::Reference(index) => Ok(Start::Value(Value::Reference { marker, index })),
                Header::Inline(header) => read_inline(marker, header, reader, tables, budget),
            };
        }
        _ => return Err(AmfError::Marker(marker)),
    }))
}

/// What follows the header of a thing that is no reference. `header` is a length or a count, but for objects.
fn read_inline(
    marker: u8,
    header: u32,
    reader: &mut Reader<'_>,
    tables: &mut Tables,
    budget: &mut Budget,
) -> Result<Start, AmfError> {
    let value = match marker {
        0x07 => Value::XmlDocument(Text::copy_from_bytes(take(reader, header, 1)?)),
        0x08 => Value::Date(reader.f64().ok_or(AmfError::Truncated)?),
        0x0b => Value::Xml(Text::copy_from_bytes(take(reader, header, 1)?)),
        0x0c => Value::ByteArray(Bytes::copy_from_slice(take(reader, header, 1)?)),
        0x0d => Value::VectorInt {
            fixed: read_flag(reader)?,
            items: read_numbers(reader, header, i32::from_be_bytes)?,
        },
        0x0e => Value::VectorUint {
            fixed: read_flag(reader)?,
            items: read_numbers(reader, header, u32::from_be_bytes)?,
        },
        0x0f => Value::VectorDouble {
            fixed: read_flag(reader)?,
            items: read_numbers(reader, header, f64::from_be_bytes)?,
        },
        _ => {
            return read_container(marker, header, reader, tables, budget).map(Start::Container);
        }
    };
    Ok(Start::Value(value))
}

fn read_container(
    marker: u8,
    header: u32,
    reader: &mut Reader<'_>,
    tables: &mut Tables,
    budget: &mut Budget,
) -> Result<Container, AmfError> {
    Ok(match marker {
        0x09 => {
            check_left(reader, header, 1)?;
            Container::Array {
                associative: Vec::new(),
                dense: Vec::new(),
                left: header,
                name: Text::default(),
                in_associative: true,
            }
        }
        0x0a => {
            let index = tables.read_traits(header, reader, budget)?;
            let traits = get(&tables.traits, index)?;
            if traits.external {
                let known = |class: &&str| traits.class == **class;
                if !CLASSES_WITH_ONE_VALUE.iter().any(known) {
                    return Err(AmfError::Externalizable);
                }
                let class = traits.class.clone();
                return Ok(Container::External { class, value: None });
            }
            Container::Object {
                traits: index,
                sealed: Vec::new(),
                dynamic: traits.dynamic.then(Vec::new),
                name: Text::default(),
                in_sealed: true,
            }
        }
        0x10 => {
            let fixed = read_flag(reader)?;
            let class = tables.read_text(reader)?;
            check_left(reader, header, 1)?;
            Container::Vector {
                fixed,
                class,
                items: Vec::new(),
                left: header,
            }
        }
        _ => {
            let weak = read_flag(reader)?;
            check_left(reader, header, 2)?;
            Container::Dictionary {
                weak,
                entries: Vec::new(),
                key: None,
                left: header,
            }
        }
    })
}

/// A container whose end has not come.
enum Container {
    Array {
        associative: Vec<(Text, Value)>,
        dense: Vec<Value>,
        /// Dense elements that are missing.
        left: u32,
        /// The name of the value that comes next.
        name: Text,
        in_associative: bool,
    },
    Object {
        traits: u32,
        sealed: Vec<(Text, Value)>,
        dynamic: Option<Vec<(Text, Value)>>,
        name: Text,
        in_sealed: bool,
    },
    External {
        class: Text,
        value: Option<Value>,
    },
    Vector {
        fixed: bool,
        class: Text,
        items: Vec<Value>,
        left: u32,
    },
    Dictionary {
        weak: bool,
        entries: Vec<(Value, Value)>,
        /// The key whose value comes next.
        key: Option<Value>,
        left: u32,
    },
}

impl Container {
    fn add(&mut self, value: Value) {
        match self {
            Self::Array {
                associative,
                dense,
                name,
                in_associative,
                ..
            } => {
                if *in_associative {
                    associative.push((std::mem::take(name), value));
                } else {
                    dense.push(value);
                }
            }
            Self::Object {
                sealed,
                dynamic,
                name,
                in_sealed,
                ..
            } => {
                let members = dynamic.as_mut().filter(|_| !*in_sealed).unwrap_or(sealed);
                members.push((std::mem::take(name), value));
            }
            Self::External { value: inner, .. } => *inner = Some(value),
            Self::Vector { items, .. } => items.push(value),
            Self::Dictionary { entries, key, .. } => match key.take() {
                Some(key) => entries.push((key, value)),
                None => *key = Some(value),
            },
        }
    }

    /// Reads up to the next value; false at the end of the container.
    fn wants_value(
        &mut self,
        reader: &mut Reader<'_>,
        tables: &mut Tables,
        budget: &mut Budget,
    ) -> Result<bool, AmfError> {
        match self {
            Self::Array {
                left,
                name,
                in_associative,
                ..
            } => {
                if *in_associative {
                    *name = tables.read_text(reader)?;
                    *in_associative = !name.is_empty();
                }
                if *in_associative {
                    budget.count_value()?;
                    return Ok(true);
                }
                Ok(count_down(left))
            }
            Self::Object {
                traits,
                sealed,
                dynamic,
                name,
                in_sealed,
            } => {
                let traits = get(&tables.traits, *traits)?;
                if let Some(member) = traits.members.get(sealed.len()) {
                    *name = member.clone();
                } else if dynamic.is_some() {
                    *in_sealed = false;
                    *name = tables.read_text(reader)?;
                    if name.is_empty() {
                        return Ok(false);
                    }
                } else {
                    return Ok(false);
                }
                budget.count_value()?;
                Ok(true)
            }
            Self::External { value, .. } => Ok(value.is_none()),
            Self::Vector { left, .. } => Ok(count_down(left)),
            Self::Dictionary { key, left, .. } => Ok(key.is_some() || count_down(left)),
        }
    }

    fn into_value(self, tables: &Tables) -> Value {
        match self {
            Self::Array {
                associative, dense, ..
            } => Value::Array { associative, dense },
            Self::Object {
                traits,
                sealed,
                dynamic,
                ..
            } => Value::Object(Object {
                class: get(&tables.traits, traits)
                    .map(|traits| traits.class.clone())
                    .unwrap_or_default(),
                sealed,
                dynamic,
                external: None,
            }),
            Self::External { class, value } => Value::Object(Object {
                class,
                sealed: Vec::new(),
                dynamic: None,
                external: value.map(Box::new),
            }),
            Self::Vector {
                fixed,
                class,
                items,
                ..
            } => Value::VectorObject {
                fixed,
                class,
                items,
            },
            Self::Dictionary { weak, entries, .. } => Value::Dictionary { weak, entries },
        }
    }
}

/// Whether one was left.
fn count_down(left: &mut u32) -> bool {
    let more = left.checked_sub(1);
    *left = more.unwrap_or(0);
    more.is_some()
}

fn read_flag(reader: &mut Reader<'_>) -> Result<bool, AmfError> {
    let byte = reader.u8().ok_or(AmfError::Truncated)?;
    Ok(byte != 0)
}

fn read_numbers<T, const N: usize>(
    reader: &mut Reader<'_>,
    count: u32,
    number: fn([u8; N]) -> T,
) -> Result<Vec<T>, AmfError> {
    let (items, _) = take(reader, count, N)?.as_chunks::<N>();
    Ok(items.iter().map(|bytes| number(*bytes)).collect())
}
