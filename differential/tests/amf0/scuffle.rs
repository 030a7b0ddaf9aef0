//! `scuffle-amf0` 0.2: everything but references, AMF3 and the reserved; much of it folded into one kind of value.

use bongsu_rtmp::amf0::Value;
use proptest::prelude::*;
use scuffle_amf0::Amf0Value as Theirs;
use scuffle_amf0::decoder::Amf0Decoder;
use scuffle_amf0::encoder::Amf0Encoder;

use super::values::{Knows, any_in, is_utf8, message};
use super::{OPEN_MAX, REFUSED, ours, samples, shown, terminated, written};

const KNOWS: Knows = Knows {
    undefined: true,
    ecma_arrays: false,
    long_and_dated: true,
    typed_objects: true,
    unsupported: false,
};

fn theirs(bytes: &[u8]) -> Result<Vec<Theirs<'_>>, String> {
    let read = Amf0Decoder::from_slice(bytes).decode_all();
    read.map_err(|error| error.to_string())
}

/// Whether both read the same. They fold dates into numbers, XML into strings, undefined into null and classes away.
fn same(ours: &Value, theirs: &Theirs<'_>) -> bool {
    match (ours, theirs) {
        (Value::Number(ours) | Value::Date { unix_ms: ours, .. }, Theirs::Number(theirs)) => {
            ours.to_bits() == theirs.to_bits()
        }
        (Value::Boolean(ours), Theirs::Boolean(theirs)) => ours == theirs,
        (Value::String(ours) | Value::XmlDocument(ours), Theirs::String(theirs)) => {
            ours.as_bytes() == theirs.as_str().as_bytes()
        }
        (Value::StrictArray(ours), Theirs::Array(theirs)) => all_same(ours, theirs),
        (Value::Null | Value::Undefined, Theirs::Null) => true,
        (ours, Theirs::Object(theirs)) => ours.as_properties().is_some_and(|ours| {
            theirs.iter().all(|(name, theirs)| {
                ours.get(name.as_str())
                    .is_some_and(|ours| same(ours, theirs))
            }) && ours
                .iter()
                .all(|(name, _)| theirs.keys().any(|key| key.as_str() == name.to_str_lossy()))
        }),
        _ => false,
    }
}

fn all_same(ours: &[Value], theirs: &[Theirs<'_>]) -> bool {
    let mut pairs = ours.iter().zip(theirs);
    ours.len() == theirs.len() && pairs.all(|(ours, theirs)| same(ours, theirs))
}

proptest! {
    #[test]
    fn they_read_what_we_write(values in message(KNOWS)) {
        let bytes = written(&values);
        let theirs = theirs(&bytes).unwrap();
        prop_assert!(all_same(&values, &theirs), "{theirs:?}");
    }

    #[test]
    fn we_read_what_they_write(values in message(KNOWS)) {
        let bytes = written(&values);
        let theirs = theirs(&bytes).unwrap();
        let mut bytes = Vec::new();
        let mut encoder = Amf0Encoder::new(&mut bytes);
        for value in &theirs {
            value.encode(&mut encoder).unwrap();
        }
        let values = ours(&bytes).unwrap();
        prop_assert!(all_same(&values, &theirs), "{values:?}");
    }
}

/// Bytes, what we read, what they read, and which section decides.
type Row = (&'static [u8], &'static str, &'static str, &'static str);

const DIFFERENCES: [Row; 6] = [
    (
        b"\x08\0\0\0\x01\0\x01a\x05\0\0\x09",
        "{a=Null}",
        REFUSED,
        "theirs wrong: [FLV E.4.4], a terminator of three bytes ends the list; they take its zeros for a number",
    ),
    (
        b"\x08\0\0\0\0\0\x01a\x05\0\0\x09",
        "{a=Null}",
        REFUSED,
        "both allowed: [FLV E.4.4] says the count is approximate [WIRE 074]; they take it at its word",
    ),
    (
        b"\x03\0\x01a\x05",
        "{a=Null}",
        REFUSED,
        "both allowed: [AMF0 2.5] asks for the terminator; some writers leave the last one out [WIRE 074]",
    ),
    (
        b"\x0d",
        "Unsupported",
        REFUSED,
        "both allowed: [AMF0 2.15], no information follows; they give up where a value is not to be had",
    ),
    (
        b"\x07\0\0",
        "Reference(0)",
        REFUSED,
        "theirs wrong: [AMF0 2.9] [WIRE 079]; nor do they read AMF3 behind 11",
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

/// Only what we can read goes in, and no ECMA array: they reserve memory by the counts that the bytes claim.
#[test]
fn recorded_and_fuzzed_messages_differ_only_as_told() {
    let is_ecma = |value: &Value| matches!(value, Value::EcmaArray(_));
    let is_unknown = |value: &Value| {
        matches!(
            value,
            Value::Unsupported | Value::Reference(_) | Value::Amf3(_)
        )
    };
    let mut read_by_both = 0;
    for sample in samples() {
        let Ok(ours) = ours(&sample.bytes) else {
            continue;
        };
        if ours.iter().any(|value| any_in(value, &is_ecma)) {
            continue;
        }
        let explained = match theirs(&sample.bytes) {
            Ok(theirs) => {
                read_by_both += 1;
                all_same(&ours, &theirs)
            }
            Err(_) => {
                ours.iter().any(|value| any_in(value, &is_unknown))
                    || !ours.iter().all(is_utf8)
                    || (1..=OPEN_MAX).any(|open| {
                        let bytes = terminated(&sample.bytes, open);
                        theirs(&bytes).is_ok_and(|theirs| all_same(&ours, &theirs))
                    })
            }
        };
        assert!(explained, "{}\n{ours:?}", sample.name);
    }
    assert!(read_by_both > 80, "{read_by_both} compared");
}
