//! Goal: AMF3 means to `flash-lso` 0.7, the reader and writer of a Flash Player, what it means to us, in both directions.

mod theirs;
mod values;

use bongsu_differential::{corpus, on_a_deep_stack};
use bongsu_rtmp::amf0::AmfError;
use bongsu_rtmp::amf3::{Decoder, Object, Value, referred};
use bongsu_rtmp::{Limits, Text};
use bytes::BytesMut;
use flash_lso::AMFResult;
use flash_lso::amf3::custom_encoder::CustomDecoder;
use flash_lso::amf3::read::AMF3Decoder;
use flash_lso::packet::{Message, Packet, write::write_to_bytes};
use flash_lso::types::{AMFVersion, Element, Value as Theirs};
use proptest::prelude::*;

use crate::theirs::{all_same, to_theirs};
use crate::values::value;

const WITH_ONE_VALUE: [&str; 2] = [
    "flex.messaging.io.ArrayCollection",
    "flex.messaging.io.ObjectProxy",
];

/// What the two externalizable classes hold that everybody knows.
#[derive(Default)]
struct OneValue;

impl CustomDecoder for OneValue {
    fn decode<'a>(
        &self,
        bytes: &'a [u8],
        decoder: &mut AMF3Decoder,
    ) -> AMFResult<'a, Vec<Element>> {
        let (rest, value) = decoder.parse_single_element(bytes)?;
        Ok((rest, vec![Element::new("", value)]))
    }
}

fn ours(bytes: &[u8]) -> Result<Vec<Value>, AmfError> {
    let mut decoder = Decoder::new(bytes, Limits::authorised().amf);
    let mut values = Vec::new();
    while let Some(value) = decoder.next_value()? {
        values.push(value);
    }
    Ok(values)
}

fn written(values: &[Value]) -> BytesMut {
    let mut out = BytesMut::new();
    values.iter().for_each(|value| value.encode(&mut out));
    out
}

fn theirs(mut bytes: &[u8]) -> Result<Vec<Theirs>, String> {
    let mut decoder = AMF3Decoder::default();
    for class in WITH_ONE_VALUE {
        decoder.register_custom_decoder::<OneValue>(class);
    }
    let mut values = Vec::new();
    while !bytes.is_empty() {
        let (rest, value) = decoder
            .parse_single_element(bytes)
            .map_err(|error| error.to_string().chars().take(60).collect::<String>())?;
        bytes = rest;
        values.push(value);
    }
    Ok(values)
}

/// Their writer is reached through a packet of one message without names; the AMF3 value stands behind the marker 11.
fn they_write(value: &Theirs) -> Vec<u8> {
    let packet = Packet {
        version: AMFVersion::AMF3,
        headers: Vec::new(),
        messages: vec![Message {
            target_uri: String::new(),
            response_uri: String::new(),
            contents: Theirs::AMF3(Box::new(value.clone())),
        }],
    };
    write_to_bytes(&packet, true).unwrap().split_off(15)
}

/// As [`value`], at times inside one of the two externalizable classes.
fn value_or_external() -> impl Strategy<Value = Value> {
    let external =
        (prop::sample::select(&WITH_ONE_VALUE[..]), value()).prop_map(|(class, value)| {
            Value::Object(Object {
                class: class.into(),
                sealed: Vec::new(),
                dynamic: None,
                external: Some(Box::new(value)),
            })
        });
    prop_oneof![4 => value(), 1 => external]
}

proptest! {
    #[test]
    fn they_read_what_we_write(values in prop::collection::vec(value_or_external(), 1..4)) {
        let theirs = theirs(&written(&values)).unwrap();
        prop_assert!(all_same(&values, &theirs, false), "{theirs:?}");
    }

    /// They write strings and traits that come again as references; what we read is what was meant.
    #[test]
    fn we_read_what_they_write(value in value()) {
        let theirs = to_theirs(&value, &mut 0);
        let bytes = they_write(&theirs);
        let read = ours(&bytes).unwrap();
        prop_assert!(all_same(&read, &[theirs], false), "{read:?}");
        prop_assert_eq!(read, [value]);
    }
}

/// An object in an array twice, the second time by reference: both count everything that takes a place.
#[test]
fn both_count_the_same_places() {
    let bytes = [
        &b"\x09\x11\x01"[..],             // array of eight: place 0
        b"\x0a\x0b\x01\x03a\x04\x01\x01", // dynamic object with a = 1: place 1, traits 0
        b"\x08\x01\0\0\0\0\0\0\0\0",      // date: place 2
        b"\x0c\x05\xaa\xbb",              // byte array: place 3
        b"\x0b\x05<a",                    // XML: place 4
        b"\x0d\x03\x00\0\0\0\x07",        // vector of int: place 5
        b"\x11\x03\x00\x01\x01",          // dictionary: place 6
        b"\x0a\x01\x00\x04\x02\x01", // object of traits 0 with a = 2, named by string 0: place 7
        b"\x0a\x0e",                 // place 7 again
    ]
    .concat();
    let (ours, theirs) = (ours(&bytes).unwrap(), theirs(&bytes).unwrap());
    assert!(all_same(&ours, &theirs, false), "{ours:?}\n{theirs:?}");
    let Value::Array { dense, .. } = &ours[0] else {
        panic!("{ours:?}");
    };
    assert_eq!(
        dense[7],
        Value::Reference {
            marker: 0x0a,
            index: 7
        }
    );
    let meant = referred(&ours, 7).unwrap();
    assert!(
        matches!(meant, Value::Object(object) if object.sealed.is_empty()),
        "{meant:?}"
    );
    assert_eq!(meant, &dense[6]);
}

/// What the table says where they give an error.
const REFUSED: &str = "refused";

/// Bytes, what we read, what they read, and which section decides.
type Row = (&'static [u8], &'static str, &'static str, &'static str);

const DIFFERENCES: [Row; 4] = [
    (
        b"\x0d\x01\x02",
        "Ok([VectorInt { fixed: true, items: [] }])",
        "Ok([VectorInt(VectorPrimitiveValue { values: [], fixed_length: false })])",
        "both allowed: [AMF3 3.15] defines 0 and 1 only; the same for the weak keys of dictionaries (3.16)",
    ),
    (
        b"\x0a\x00",
        "Err(Reference(0))",
        "Ok([Amf3ObjectReference(ObjectId(0))])",
        "theirs wrong: [AMF3 2.2], a reference points to what came before [WIRE 083]",
    ),
    (
        b"\x06\x03\xff",
        "Ok([String(Text(1 bytes))])",
        REFUSED,
        "both allowed: [AMF3 1.3.2] asks for UTF-8; what is passed on must not fail for it [WIRE 076]",
    ),
    (
        b"\x0a\x17\x43flex.messaging.io.ArrayCollection\x01",
        "Ok([Object(Object { class: Text(33 bytes), sealed: [], dynamic: None, external: Some(Null) })])",
        REFUSED,
        "theirs wrong: [AMF3 3.12], behind the externalizable flag the other bits of the header say nothing",
    ),
];

#[test]
fn every_difference_is_as_told() {
    for (bytes, our_reading, their_reading, decided) in DIFFERENCES {
        let theirs = theirs(bytes).map_or(REFUSED.to_owned(), |values| format!("Ok({values:?})"));
        assert_eq!(format!("{:?}", ours(bytes)), our_reading, "{decided}");
        assert_eq!(theirs, their_reading, "{decided}");
    }
}

/// What is not significant is not significant to both; what has no bytes behind it neither reads.
#[test]
fn both_agree_at_the_edges() {
    // The dynamic flag of an externalizable class.
    let external = b"\x0a\x0f\x43flex.messaging.io.ArrayCollection\x01";
    let (ours_read, theirs_read) = (ours(external).unwrap(), theirs(external).unwrap());
    assert!(all_same(&ours_read, &theirs_read, false), "{ours_read:?}");
    for broken in [
        &b"\x09\x03\x01"[..],      // an array of one without it
        b"\x0d\x03\x00\0\0\0",     // a vector of int with three bytes
        b"\x11\x03\x00\x01",       // a dictionary with half a pair
        b"\x0a\x05",               // traits 1 where there are none
        b"\x06\x02",               // string 1 where there is none
        b"\x0a\x07\x03x\x01",      // a class that only its author can read
        b"\x04\xff\xff\xff",       // a U29 without its fourth byte
        b"\x12",                   // a marker that does not exist
        b"\x08\x01\0\0\0\0\0\0\0", // a date with seven bytes
    ] {
        assert!(ours(broken).is_err(), "{broken:x?}");
        assert!(theirs(broken).is_err(), "{broken:x?}");
    }
}

/// Whether `found` holds for a value or for one inside it.
fn any_in(value: &Value, found: &dyn Fn(&Value) -> bool) -> bool {
    let members = |members: &[(Text, Value)]| members.iter().any(|(_, inner)| any_in(inner, found));
    let values = |values: &[Value]| values.iter().any(|inner| any_in(inner, found));
    found(value)
        || match value {
            Value::Array { associative, dense } => members(associative) || values(dense),
            Value::Object(object) => {
                members(&object.sealed)
                    || object.dynamic.as_deref().is_some_and(members)
                    || object
                        .external
                        .as_deref()
                        .is_some_and(|inner| any_in(inner, found))
            }
            Value::VectorObject { items, .. } => values(items),
            Value::Dictionary { entries, .. } => entries
                .iter()
                .any(|(key, value)| any_in(key, found) || any_in(value, found)),
            _ => false,
        }
}

/// Whether a text in it is not UTF-8.
fn is_broken(value: &Value) -> bool {
    let broken = |text: &Text| std::str::from_utf8(text.as_bytes()).is_err();
    let names = |members: &[(Text, Value)]| members.iter().any(|(name, _)| broken(name));
    any_in(value, &|inner| match inner {
        Value::String(text) | Value::Xml(text) | Value::XmlDocument(text) => broken(text),
        Value::Array { associative, .. } => names(associative),
        Value::Object(object) => {
            broken(&object.class)
                || names(&object.sealed)
                || object.dynamic.as_deref().is_some_and(names)
        }
        Value::VectorObject { class, .. } => broken(class),
        _ => false,
    })
}

/// Whether a row of [`DIFFERENCES`] says why.
fn explained(ours: &Result<Vec<Value>, AmfError>, theirs: &Result<Vec<Theirs>, String>) -> bool {
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => all_same(ours, theirs, true),
        (Ok(ours), Err(_)) => ours.iter().any(|value| {
            is_broken(value)
                || any_in(
                    value,
                    &|inner| matches!(inner, Value::Object(object) if object.external.is_some()),
                )
        }),
        // They bound nothing.
        (Err(error), Ok(_)) => matches!(error, AmfError::Limit(_) | AmfError::Reference(_)),
        (Err(_), Err(_)) => true,
    }
}

#[test]
fn fuzzed_values_differ_only_as_told() {
    on_a_deep_stack(|| {
        let mut read_by_both = 0;
        for sample in corpus("amf3") {
            let (ours, theirs) = (ours(&sample.bytes), theirs(&sample.bytes));
            read_by_both += u32::from(ours.is_ok() && theirs.is_ok());
            assert!(
                explained(&ours, &theirs),
                "{}\n{ours:?}\n{theirs:?}",
                sample.name
            );
        }
        assert!(read_by_both > 80, "{read_by_both} compared");
    });
}
