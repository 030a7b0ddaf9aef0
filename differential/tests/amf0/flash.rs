//! `flash-lso` 0.7: all of AMF0. It is the reader and writer of a Flash Player.

use bongsu_rtmp::amf0::{AmfError, Properties, Value};
use flash_lso::amf0::read::AMF0Decoder;
use flash_lso::packet::{Message, Packet, write::write_to_bytes};
use flash_lso::types::{
    AMFVersion, ClassDefinition, ECMAArrayObjectValue, Element, ObjectId, ObjectValue,
    Value as Theirs,
};
use proptest::prelude::*;

use super::values::{Knows, any_in, is_utf8, message};
use super::{OPEN_MAX, REFUSED, ours, samples, shown, terminated, written};

const KNOWS: Knows = Knows {
    undefined: true,
    ecma_arrays: true,
    long_and_dated: true,
    typed_objects: true,
    unsupported: true,
};

fn theirs(mut bytes: &[u8]) -> Result<Vec<Theirs>, String> {
    let mut decoder = AMF0Decoder::default();
    let mut values = Vec::new();
    while !bytes.is_empty() {
        let (rest, value) = decoder
            .parse_single_element(bytes)
            .map_err(|error| error.to_string().chars().take(80).collect::<String>())?;
        bytes = rest;
        values.push(value);
    }
    Ok(values)
}

fn same(ours: &Value, theirs: &Theirs) -> bool {
    match (ours, theirs) {
        (Value::Number(ours), Theirs::Number(theirs)) => ours.to_bits() == theirs.to_bits(),
        (Value::Boolean(ours), Theirs::Bool(theirs)) => ours == theirs,
        (Value::String(ours), Theirs::String(theirs)) => ours.as_bytes() == theirs.as_bytes(),
        (Value::XmlDocument(ours), Theirs::XML { value, .. }) => {
            ours.as_bytes() == value.as_bytes()
        }
        (Value::Object(ours), Theirs::Object { data, .. }) => {
            data.class_definition.is_none() && same_properties(ours, &data.elements)
        }
        (Value::TypedObject { class, properties }, Theirs::Object { data, .. }) => {
            let theirs = data.class_definition.as_ref();
            theirs.is_some_and(|theirs| class.as_bytes() == theirs.name.as_bytes())
                && same_properties(properties, &data.elements)
        }
        (Value::EcmaArray(ours), Theirs::ECMAArray { data, .. }) => {
            data.dense.is_empty() && same_properties(ours, &data.elements)
        }
        (Value::StrictArray(ours), Theirs::StrictArray { values, .. }) => all_same(ours, values),
        (
            Value::Date { unix_ms, zone },
            Theirs::Date {
                time,
                timezone_or_utc,
            },
        ) => unix_ms.to_bits() == time.to_bits() && Some(zone.cast_unsigned()) == *timezone_or_utc,
        (Value::Reference(ours), Theirs::Reference(theirs)) => {
            // Theirs is opaque but for its text.
            format!("{theirs:?}") == format!("Reference({ours})")
        }
        // What is inside is the matter of the tests of AMF3.
        (Value::Amf3(_), Theirs::AMF3(_))
        | (Value::Null, Theirs::Null)
        | (Value::Undefined, Theirs::Undefined)
        | (Value::Unsupported, Theirs::Unsupported) => true,
        _ => false,
    }
}

fn same_properties(ours: &Properties, theirs: &[Element]) -> bool {
    let mut pairs = ours.iter().zip(theirs);
    ours.len() == theirs.len()
        && pairs.all(|((name, value), theirs)| {
            name.as_bytes() == theirs.name.as_bytes() && same(value, &theirs.value)
        })
}

fn all_same(ours: &[Value], theirs: &[Theirs]) -> bool {
    let mut pairs = ours.iter().zip(theirs);
    ours.len() == theirs.len() && pairs.all(|(ours, theirs)| same(ours, theirs))
}

fn elements(properties: &Properties) -> Vec<Element> {
    let pairs = properties.iter();
    pairs
        .map(|(name, value)| Element::new(name.to_str_lossy(), to_theirs(value)))
        .collect()
}

fn object(properties: &Properties, class_definition: Option<ClassDefinition>) -> Theirs {
    Theirs::Object {
        id: ObjectId::INVALID,
        data: ObjectValue {
            elements: elements(properties),
            class_definition,
        },
    }
}

fn to_theirs(value: &Value) -> Theirs {
    match value {
        Value::Number(number) => Theirs::Number(*number),
        Value::Boolean(truth) => Theirs::Bool(*truth),
        Value::String(text) => Theirs::String(text.to_str_lossy().into_owned()),
        Value::XmlDocument(text) => Theirs::XML {
            value: text.to_str_lossy().into_owned(),
            is_string: true,
        },
        Value::Object(properties) => object(properties, None),
        Value::TypedObject { class, properties } => {
            let name = class.to_str_lossy().into_owned();
            object(properties, Some(ClassDefinition::default_with_name(name)))
        }
        Value::EcmaArray(properties) => Theirs::ECMAArray {
            id: ObjectId::INVALID,
            data: ECMAArrayObjectValue {
                dense: Vec::new(),
                elements: elements(properties),
                length: 0,
            },
        },
        Value::StrictArray(values) => Theirs::StrictArray {
            id: ObjectId::INVALID,
            values: values.iter().map(to_theirs).collect(),
        },
        Value::Date { unix_ms, zone } => Theirs::Date {
            time: *unix_ms,
            timezone_or_utc: Some(zone.cast_unsigned()),
        },
        Value::Null => Theirs::Null,
        Value::Undefined => Theirs::Undefined,
        _ => Theirs::Unsupported,
    }
}

/// Their writer is reached through a packet of one message without names.
fn they_write(value: &Theirs) -> Vec<u8> {
    let packet = Packet {
        version: AMFVersion::AMF0,
        headers: Vec::new(),
        messages: vec![Message {
            target_uri: String::new(),
            response_uri: String::new(),
            contents: value.clone(),
        }],
    };
    write_to_bytes(&packet, true).unwrap().split_off(14)
}

proptest! {
    #[test]
    fn they_read_what_we_write(values in message(KNOWS)) {
        let theirs = theirs(&written(&values)).unwrap();
        prop_assert!(all_same(&values, &theirs), "{theirs:?}");
    }

    #[test]
    fn we_read_what_they_write(values in message(KNOWS)) {
        let theirs: Vec<Theirs> = values.iter().map(to_theirs).collect();
        let bytes: Vec<u8> = theirs.iter().flat_map(they_write).collect();
        let values = ours(&bytes).unwrap();
        prop_assert!(all_same(&values, &theirs), "{values:?}");
    }
}

/// Bytes, what we read, what they read, and which section decides.
type Row = (&'static [u8], &'static str, &'static str, &'static str);

const DIFFERENCES: [Row; 4] = [
    (
        b"\x12",
        "Marker(18)",
        "Ok([Unsupported])",
        "theirs wrong: [AMF0 2.1] defines markers up to 11; how long another value is nobody knows",
    ),
    (
        b"\x03\0\x01a\x09",
        "Marker(9)",
        "Ok([Object { id: ObjectId(-1), data: ObjectValue { elements: [], class_definition: None } }])",
        "theirs wrong: [AMF0 2.5] and [AMF0 2.11], the end marker stands behind an empty name",
    ),
    (
        b"\x03\0\x01a\x05",
        "{a=Null}",
        REFUSED,
        "both allowed: [AMF0 2.5] asks for the terminator; some writers leave the last one out [WIRE 074]",
    ),
    (
        b"\x02\0\x01\xff",
        "\"\\xff\"",
        REFUSED,
        "both allowed: [AMF0 1.3.1] asks for UTF-8; what is passed on must not fail for it [WIRE 076]",
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

fn explained(
    bytes: &[u8],
    ours: &Result<Vec<Value>, AmfError>,
    theirs: &Result<Vec<Theirs>, String>,
) -> bool {
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => all_same(ours, theirs),
        (Ok(ours), Err(_)) => {
            // AMF3 has its own tests, with rows of its own.
            ours.iter()
                .any(|value| any_in(value, &|inner| matches!(inner, Value::Amf3(_))))
                || !ours.iter().all(is_utf8)
                || (1..=OPEN_MAX)
                    .filter_map(|open| self::theirs(&terminated(bytes, open)).ok())
                    .any(|theirs| all_same(ours, &theirs))
        }
        (Err(AmfError::Marker(marker)), Ok(_)) => *marker == 9 || *marker > 0x11,
        // They bound nothing, and do not look where a reference points.
        (Err(error), Ok(_)) => matches!(error, AmfError::Limit(_) | AmfError::Reference(_)),
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
        assert!(read_by_both > 100, "{read_by_both} compared");
    });
}
