//! AMF3 values to bytes, without any references.

use bytes::{BufMut, BytesMut};

use super::{Object, Value};
use crate::text::Text;

const INTEGERS: std::ops::RangeInclusive<i32> = -(1 << 28)..=(1 << 28) - 1;
/// The largest length or count: a U29 without its lowest bit.
const COUNT_MAX: u32 = (1 << 28) - 1;
/// The largest number of sealed members: a U29 without four bits.
const SEALED_MAX: u32 = (1 << 25) - 1;
/// With their flags behind them, both are the largest U29.
const U29_MAX: u32 = 0x1fff_ffff;
const _: () = assert!((COUNT_MAX << 1) | 1 == U29_MAX && (SEALED_MAX << 4) | 0x0f == U29_MAX);

impl Value {
    /// Appends the value with its marker.
    ///
    /// Integers that need more than 29 bits become doubles. [WIRE 084] A [`Value::Reference`] becomes undefined,
    /// because what it points to is not known here. Named elements with an empty name are left out: it would end
    /// the list.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Undefined | Self::Reference { .. } => out.put_u8(0x00),
            Self::Null => out.put_u8(0x01),
            Self::Boolean(truth) => out.put_u8(0x02 | u8::from(*truth)),
            Self::Integer(number) if INTEGERS.contains(number) => {
                out.put_u8(0x04);
                put_u29(number.cast_unsigned() & 0x1fff_ffff, out);
            }
            Self::Integer(number) => put_double(f64::from(*number), out),
            Self::Double(number) => put_double(*number, out),
            Self::String(text) => put_bytes(0x06, text.as_bytes(), out),
            Self::XmlDocument(text) => put_bytes(0x07, text.as_bytes(), out),
            Self::Date(unix_ms) => {
                out.put_slice(&[0x08, 0x01]);
                out.put_f64(*unix_ms);
            }
            Self::Array { associative, dense } => {
                put_count(0x09, dense.len(), out);
                put_named(associative, out);
                put_values(dense, out);
            }
            Self::Object(object) => put_object(object, out),
            Self::Xml(text) => put_bytes(0x0b, text.as_bytes(), out),
            Self::ByteArray(bytes) => put_bytes(0x0c, bytes, out),
            Self::VectorInt { fixed, items } => {
                put_count(0x0d, items.len(), out);
                out.put_u8(u8::from(*fixed));
                kept(items).iter().for_each(|item| out.put_i32(*item));
            }
            Self::VectorUint { fixed, items } => {
                put_count(0x0e, items.len(), out);
                out.put_u8(u8::from(*fixed));
                kept(items).iter().for_each(|item| out.put_u32(*item));
            }
            Self::VectorDouble { fixed, items } => {
                put_count(0x0f, items.len(), out);
                out.put_u8(u8::from(*fixed));
                kept(items).iter().for_each(|item| out.put_f64(*item));
            }
            Self::VectorObject {
                fixed,
                class,
                items,
            } => {
                put_count(0x10, items.len(), out);
                out.put_u8(u8::from(*fixed));
                put_text(class.as_bytes(), out);
                put_values(items, out);
            }
            Self::Dictionary { weak, entries } => {
                put_count(0x11, entries.len(), out);
                out.put_u8(u8::from(*weak));
                for (key, value) in kept(entries) {
                    key.encode(out);
                    value.encode(out);
                }
            }
        }
    }
}

fn put_object(object: &Object, out: &mut BytesMut) {
    out.put_u8(0x0a);
    if let Some(value) = &object.external {
        out.put_u8(0x07);
        put_text(object.class.as_bytes(), out);
        value.encode(out);
        return;
    }
    let count = limited(object.sealed.len(), SEALED_MAX);
    let dynamic = u32::from(object.dynamic.is_some());
    put_u29((count << 4) | (dynamic << 3) | 0x03, out);
    put_text(object.class.as_bytes(), out);
    let sealed = || object.sealed.iter().zip(0..count).map(|(member, _)| member);
    for (name, _) in sealed() {
        put_text(name.as_bytes(), out);
    }
    for (_, value) in sealed() {
        value.encode(out);
    }
    if let Some(members) = &object.dynamic {
        put_named(members, out);
    }
}

/// Names and values up to the empty name.
fn put_named(members: &[(Text, Value)], out: &mut BytesMut) {
    for (name, value) in members.iter().filter(|(name, _)| !name.is_empty()) {
        put_text(name.as_bytes(), out);
        value.encode(out);
    }
    put_text(b"", out);
}

fn put_values(values: &[Value], out: &mut BytesMut) {
    kept(values).iter().for_each(|value| value.encode(out));
}

fn put_double(number: f64, out: &mut BytesMut) {
    out.put_u8(0x05);
    out.put_f64(number);
}

fn put_bytes(marker: u8, bytes: &[u8], out: &mut BytesMut) {
    out.put_u8(marker);
    put_text(bytes, out);
}

fn put_text(bytes: &[u8], out: &mut BytesMut) {
    put_u29((limited(bytes.len(), COUNT_MAX) << 1) | 1, out);
    out.put_slice(kept(bytes));
}

fn put_count(marker: u8, count: usize, out: &mut BytesMut) {
    out.put_u8(marker);
    put_u29((limited(count, COUNT_MAX) << 1) | 1, out);
}

/// The items that a count can speak of.
fn kept<T>(items: &[T]) -> &[T] {
    usize::try_from(COUNT_MAX)
        .ok()
        .and_then(|max| items.get(..max))
        .unwrap_or(items)
}

fn limited(count: usize, max: u32) -> u32 {
    u32::try_from(count).map_or(max, |count| count.min(max))
}

fn put_u29(value: u32, out: &mut BytesMut) {
    let piece = |shift: u32| {
        let [low, ..] = (value >> shift).to_le_bytes();
        low
    };
    match value {
        0..0x80 => out.put_u8(piece(0)),
        0x80..0x4000 => out.put_slice(&[piece(7) | 0x80, piece(0) & 0x7f]),
        0x4000..0x20_0000 => {
            out.put_slice(&[piece(14) | 0x80, piece(7) | 0x80, piece(0) & 0x7f]);
        }
        _ => out.put_slice(&[
            piece(22) | 0x80,
            piece(15) | 0x80,
            piece(8) | 0x80,
            piece(0),
        ]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Items without a size, so that as many as no count can say cost no memory.
    #[test]
    fn what_a_count_cannot_say_is_left_out() {
        let most = 0x0fff_ffff;
        for (len, left) in [(0, 0), (most, most), (most + 1, most), (usize::MAX, most)] {
            assert_eq!(kept(&vec![(); len]).len(), left);
        }
    }

    #[test]
    fn u29_grows_at_its_borders() {
        for (value, bytes) in [
            (0x7f, &[0x7f][..]),
            (0x80, &[0x81, 0x00]),
            (0x3fff, &[0xff, 0x7f]),
            (0x4000, &[0x81, 0x80, 0x00]),
            (0x1f_ffff, &[0xff, 0xff, 0x7f]),
            (0x20_0000, &[0x80, 0xc0, 0x80, 0x00]),
            (0x1fff_ffff, &[0xff, 0xff, 0xff, 0xff]),
        ] {
            let mut out = BytesMut::new();
            put_u29(value, &mut out);
            assert_eq!(&out[..], bytes);
        }
    }
}
