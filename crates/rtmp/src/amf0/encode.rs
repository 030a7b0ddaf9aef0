//! AMF0 values to bytes.

use bytes::{BufMut, BytesMut};

use super::{Properties, Value};

impl Value {
    /// Appends the value. Strings over 65,535 bytes become Long Strings; names of properties and classes end there.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Number(number) => {
                out.put_u8(0x00);
                out.put_f64(*number);
            }
            Self::Boolean(truth) => out.put_slice(&[0x01, u8::from(*truth)]),
            Self::String(text) => put_string(text.as_bytes(), out),
            Self::Object(properties) => {
                out.put_u8(0x03);
                put_properties(properties, out);
            }
            Self::Null => out.put_u8(0x05),
            Self::Undefined => out.put_u8(0x06),
            Self::Reference(index) => {
                out.put_u8(0x07);
                out.put_u16(*index);
            }
            Self::EcmaArray(properties) => {
                out.put_u8(0x08);
                out.put_u32(u32::try_from(properties.len()).unwrap_or(u32::MAX));
                put_properties(properties, out);
            }
            Self::StrictArray(elements) => {
                out.put_u8(0x0a);
                let count = u32::try_from(elements.len()).unwrap_or(u32::MAX);
                out.put_u32(count);
                for element in elements {
                    element.encode(out);
                }
            }
            Self::Date { unix_ms, zone } => {
                out.put_u8(0x0b);
                out.put_f64(*unix_ms);
                out.put_i16(*zone);
            }
            Self::Unsupported => out.put_u8(0x0d),
            Self::XmlDocument(text) => put_long(0x0f, text.as_bytes(), out),
            Self::TypedObject { class, properties } => {
                out.put_u8(0x10);
                put_short(class.as_bytes(), out);
                put_properties(properties, out);
            }
            Self::Amf3(value) => {
                out.put_u8(0x11);
                value.encode(out);
            }
        }
    }
}

/// A String or a Long String with its marker.
pub(crate) fn put_string(bytes: &[u8], out: &mut BytesMut) {
    if u16::try_from(bytes.len()).is_ok() {
        out.put_u8(0x02);
        put_short(bytes, out);
    } else {
        put_long(0x0c, bytes, out);
    }
}

fn put_properties(properties: &Properties, out: &mut BytesMut) {
    for (name, value) in properties.iter() {
        put_short(name.as_bytes(), out);
        value.encode(out);
    }
    out.put_slice(&[0x00, 0x00, 0x09]);
}

fn put_short(bytes: &[u8], out: &mut BytesMut) {
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.put_u16(len);
    out.put_slice(bytes.get(..usize::from(len)).unwrap_or(bytes));
}

fn put_long(marker: u8, bytes: &[u8], out: &mut BytesMut) {
    out.put_u8(marker);
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.put_u32(len);
    let kept = usize::try_from(len).unwrap_or(usize::MAX);
    out.put_slice(bytes.get(..kept).unwrap_or(bytes));
}
