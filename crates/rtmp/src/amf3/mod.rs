//! AMF3 values, as they occur inside AMF0 after the marker 11.
//!
//! Decoding is iterative and bounded like that of AMF0. References to strings and traits are looked up; those to
//! objects stay references, because objects may contain themselves.

mod decode;
mod encode;
mod tables;

pub use decode::Decoder;
pub(crate) use decode::decode_value;
pub(crate) use tables::Tables;

use bytes::Bytes;

use crate::text::Text;

/// An AMF3 value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// 00.
    Undefined,
    /// 01.
    Null,
    /// 02 and 03.
    Boolean(bool),
    /// 04: -2^28 to 2^28-1.
    Integer(i32),
    /// 05.
    Double(f64),
    /// 06.
    String(Text),
    /// 07.
    XmlDocument(Text),
    /// 08: milliseconds since 1970, UTC.
    Date(f64),
    /// 09.
    Array {
        /// Named elements.
        associative: Vec<(Text, Self)>,
        /// Elements 0, 1, 2 and so on.
        dense: Vec<Self>,
    },
    /// 0a.
    Object(Object),
    /// 0b.
    Xml(Text),
    /// 0c.
    ByteArray(Bytes),
    /// 0d.
    VectorInt {
        /// Whether its length is fixed.
        fixed: bool,
        /// The elements.
        items: Vec<i32>,
    },
    /// 0e.
    VectorUint {
        /// Whether its length is fixed.
        fixed: bool,
        /// The elements.
        items: Vec<u32>,
    },
    /// 0f.
    VectorDouble {
        /// Whether its length is fixed.
        fixed: bool,
        /// The elements.
        items: Vec<f64>,
    },
    /// 10.
    VectorObject {
        /// Whether its length is fixed.
        fixed: bool,
        /// The class of the elements.
        class: Text,
        /// The elements.
        items: Vec<Self>,
    },
    /// 11.
    Dictionary {
        /// Whether keys are weak.
        weak: bool,
        /// Keys and values.
        entries: Vec<(Self, Self)>,
    },
    /// Something that stood earlier in the message; never resolved by itself, see [`referred`].
    Reference {
        /// The marker of the thing.
        marker: u8,
        /// Its index among those before it.
        index: u32,
    },
}

/// An AMF3 object.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// The class name; empty for an anonymous object.
    pub class: Text,
    /// Members that the class names.
    pub sealed: Vec<(Text, Value)>,
    /// Further members; `None` when the class allows none.
    pub dynamic: Option<Vec<(Text, Value)>>,
    /// The one value inside `ArrayCollection` and `ObjectProxy`.
    pub external: Option<Box<Value>>,
}

/// What a [`Value::Reference`] with this index means among the AMF3 values of its message, in their order. [WIRE 079]
///
/// It may be a value that contains the reference: who follows references must know an end.
pub fn referred<'a>(values: impl IntoIterator<Item = &'a Value>, index: u32) -> Option<&'a Value> {
    let mut before = index;
    for value in values {
        // Depth first, as they stand on the wire: what is next is on top.
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            if value.takes_a_place() {
                let Some(rest) = before.checked_sub(1) else {
                    return Some(value);
                };
                before = rest;
            }
            let inner = open.len();
            value.push_inner(&mut open);
            open.get_mut(inner..)?.reverse();
        }
    }
    None
}

impl Value {
    /// Whether the object table has an entry for it: everything but simple values, strings and references.
    const fn takes_a_place(&self) -> bool {
        !matches!(
            self,
            Self::Undefined
                | Self::Null
                | Self::Boolean(_)
                | Self::Integer(_)
                | Self::Double(_)
                | Self::String(_)
                | Self::Reference { .. }
        )
    }

    /// The values in it, in the order of the wire.
    fn push_inner<'a>(&'a self, out: &mut Vec<&'a Self>) {
        let named = |(_, value): &'a (Text, Self)| value;
        match self {
            Self::Array { associative, dense } => {
                out.extend(associative.iter().map(named));
                out.extend(dense);
            }
            Self::Object(object) => {
                out.extend(object.sealed.iter().map(named));
                out.extend(object.dynamic.iter().flatten().map(named));
                out.extend(object.external.as_deref());
            }
            Self::VectorObject { items, .. } => out.extend(items),
            Self::Dictionary { entries, .. } => {
                out.extend(entries.iter().flat_map(|(key, value)| [key, value]));
            }
            _ => {}
        }
    }
}
