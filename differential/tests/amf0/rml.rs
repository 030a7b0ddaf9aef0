//! `rml_amf0` 0.3: numbers, booleans, short strings, null, undefined, objects, ECMA arrays (as objects), strict arrays.

use std::collections::HashMap;

use bongsu_rtmp::amf0::{AmfError, Value};
use proptest::prelude::*;
use rml_amf0::{Amf0DeserializationError as Error, Amf0Value as Theirs, deserialize, serialize};

use super::values::{Knows, is_utf8, message};
use super::{OPEN_MAX, REFUSED, ours, samples, shown, terminated, written};

const KNOWS: Knows = Knows {
    undefined: true,
    ecma_arrays: true,
    long_and_dated: false,
    typed_objects: false,
    unsupported: false,
};

fn theirs(mut bytes: &[u8]) -> Result<Vec<Theirs>, Error> {
    deserialize(&mut bytes)
}

/// Whether both read the same. `any_truth` lets a boolean differ: see [`DIFFERENCES`].
fn same(ours: &Value, theirs: &Theirs, any_truth: bool) -> bool {
    match (ours, theirs) {
        (Value::Number(ours), Theirs::Number(theirs)) => ours.to_bits() == theirs.to_bits(),
        (Value::Boolean(ours), Theirs::Boolean(theirs)) => ours == theirs || (any_truth && *ours),
        (Value::String(ours), Theirs::Utf8String(theirs)) => ours.as_bytes() == theirs.as_bytes(),
        (Value::Object(ours) | Value::EcmaArray(ours), Theirs::Object(theirs)) => {
            theirs.iter().all(|(name, theirs)| {
                ours.get(name)
                    .is_some_and(|ours| same(ours, theirs, any_truth))
            }) && ours
                .iter()
                .all(|(name, _)| theirs.contains_key(&*name.to_str_lossy()))
        }
        (Value::StrictArray(ours), Theirs::StrictArray(theirs)) => {
            all_same(ours, theirs, any_truth)
        }
        (Value::Null, Theirs::Null) | (Value::Undefined, Theirs::Undefined) => true,
        _ => false,
    }
}

fn all_same(ours: &[Value], theirs: &[Theirs], any_truth: bool) -> bool {
    let mut pairs = ours.iter().zip(theirs);
    ours.len() == theirs.len() && pairs.all(|(ours, theirs)| same(ours, theirs, any_truth))
}

fn to_theirs(value: &Value) -> Theirs {
    match value {
        Value::Number(number) => Theirs::Number(*number),
        Value::Boolean(truth) => Theirs::Boolean(*truth),
        Value::String(text) => Theirs::Utf8String(text.to_str_lossy().into_owned()),
        Value::Undefined => Theirs::Undefined,
        Value::StrictArray(elements) => {
            Theirs::StrictArray(elements.iter().map(to_theirs).collect())
        }
        Value::Null => Theirs::Null,
        other => {
            let properties = other.as_properties().expect("no other is generated");
            let pairs = properties
                .iter()
                .map(|(name, value)| (name.to_str_lossy().into_owned(), to_theirs(value)));
            Theirs::Object(pairs.collect::<HashMap<_, _>>())
        }
    }
}

proptest! {
    #[test]
    fn they_read_what_we_write(values in message(KNOWS)) {
        let theirs = theirs(&written(&values)).unwrap();
        prop_assert!(all_same(&values, &theirs, false), "{theirs:?}");
    }

    #[test]
    fn we_read_what_they_write(values in message(KNOWS)) {
        let theirs: Vec<Theirs> = values.iter().map(to_theirs).collect();
        let values = ours(&serialize(&theirs).unwrap()).unwrap();
        prop_assert!(all_same(&values, &theirs, false), "{values:?}");
    }
}

/// Bytes, what we read, what they read, and which section decides.
type Row = (&'static [u8], &'static str, &'static str, &'static str);

const DIFFERENCES: [Row; 7] = [
    (
        b"\x01\x02",
        "Boolean(true)",
        "Ok([Boolean(false)])",
        "theirs wrong: [AMF0 2.3], zero is false and everything else is true",
    ),
    (
        b"\x03\0\x01a\x05",
        "{a=Null}",
        REFUSED,
        "both allowed: [AMF0 2.5] asks for the terminator; some writers leave the last one out [WIRE 074]",
    ),
    (
        b"\x03\0\0\x05\0\0\x09",
        "{=Null}",
        REFUSED,
        "theirs wrong: [AMF0 2.5], the empty name ends an object only before the end marker [WIRE 076]",
    ),
    (
        b"\x02\0\x05ab",
        "Truncated",
        "Ok([Utf8String(\"ab\\0\\0\\0\")])",
        "theirs wrong: [AMF0 1.3.1], a string has as many bytes as it says",
    ),
    (
        b"\x0a\0\0\0\x02\x05",
        "Truncated",
        "Ok([StrictArray([Null])])",
        "theirs wrong: [AMF0 2.12], an array has as many values as it says",
    ),
    (
        b"\x05\x09\x05",
        "Marker(9)",
        "Ok([Null])",
        "theirs wrong: [AMF0 2.11], the end marker stands only behind an empty name; they drop what follows",
    ),
    (
        b"\x0c\0\0\0\x01a",
        "\"a\"",
        REFUSED,
        "theirs wrong: [AMF0 2.14]; they know none of 07, 0b, 0c, 0d, 0f, 10 and 11",
    ),
];

#[test]
fn every_difference_is_as_told() {
    for (bytes, our_reading, their_reading, decided) in DIFFERENCES {
        assert_eq!(shown(bytes), our_reading, "{decided}");
        let theirs = theirs(bytes).map_or(REFUSED.to_owned(), |values| format!("Ok({values:?})"));
        assert_eq!(theirs, their_reading, "{decided}");
    }
}

/// Whether a row of [`DIFFERENCES`] says why.
fn explained(
    bytes: &[u8],
    ours: &Result<Vec<Value>, AmfError>,
    theirs: &Result<Vec<Theirs>, Error>,
) -> bool {
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => all_same(ours, theirs, true),
        (Ok(_), Err(Error::UnknownMarker { marker })) => {
            matches!(marker, 0x07 | 0x0b | 0x0c | 0x0d | 0x0f | 0x10 | 0x11)
        }
        (Ok(_), Err(Error::UnexpectedEmptyObjectPropertyName)) => true,
        (Ok(ours), Err(Error::StringParseError(_))) => !ours.iter().all(is_utf8),
        (Ok(ours), Err(_)) => (1..=OPEN_MAX)
            .filter_map(|open| self::theirs(&terminated(bytes, open)).ok())
            .any(|theirs| all_same(ours, &theirs, true)),
        // They bound nothing, and take what is cut short.
        (Err(AmfError::Limit(_) | AmfError::Truncated | AmfError::Marker(9)), Ok(_)) => true,
        (Err(_), Ok(_)) => false,
        (Err(_), Err(_)) => true,
    }
}

#[test]
fn recorded_and_fuzzed_messages_differ_only_as_told() {
    bongsu_differential::on_a_deep_stack(|| {
        let mut read_by_both = 0;
        for sample in samples() {
            let (ours, theirs) = (ours(&sample.bytes), theirs(&sample.bytes));
            read_by_both += u32::from(ours.is_ok() && theirs.is_ok());
            assert!(
                explained(&sample.bytes, &ours, &theirs),
                "{}\n{ours:?}\n{theirs:?}",
                sample.name
            );
        }
        assert!(read_by_both > 80, "{read_by_both} compared");
    });
}
