//! Goal: bytes of strangers cost what they weigh: bounded depth and count, no memory by declared numbers, no panic.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod amf_support;

use amf_support::hex;
use bongsu_rtmp::amf0::{self, AmfError, Decoder, Properties, Value};
use bongsu_rtmp::amf3;
use bongsu_rtmp::limits::{AmfLimits, Limit, LimitExceeded};
use proptest::prelude::*;

fn decode(bytes: &[u8]) -> Result<Vec<Value>, AmfError> {
    amf0::decode_all(bytes, AmfLimits::default())
}

fn decode3(bytes: &[u8]) -> Result<Option<amf3::Value>, AmfError> {
    amf3::Decoder::new(bytes, AmfLimits::default()).next_value()
}

fn limit(limit: Limit, max: u32) -> AmfError {
    AmfError::Limit(LimitExceeded {
        limit,
        got: u64::from(max) + 1,
        max: u64::from(max),
    })
}

/// [WIRE 077]
#[test]
fn containers_nest_to_the_limit_and_no_further() {
    let limits = AmfLimits {
        depth: 4,
        values: 1_000,
    };
    // What opens one level of each kind, in AMF0 and behind the switch to AMF3, and what closes it.
    for (before, open, inner, close) in [
        ("", "0a00000001", "05", ""),
        ("", "03 000161", "05", "000009"),
        ("", "08 00000000 000161", "05", "000009"),
        ("", "10 000141 000161", "05", "000009"),
        ("11", "090301", "01", ""),
        ("11", "0a0b01 0361", "01", "01"),
        ("11", "100300 01", "01", ""),
        ("11", "110300", "01", "01"),
        ("11", "110300 01", "01", ""),
    ] {
        let nested = |depth: usize| {
            let row = [before, &open.repeat(depth), inner, &close.repeat(depth)];
            amf0::decode_all(&hex(&row.concat()), limits).map(|values| values.len())
        };
        assert_eq!(nested(4), Ok(1), "{open}");
        assert_eq!(nested(5), Err(limit(Limit::AmfDepth, 4)), "{open}");
        assert_eq!(nested(10_000), Err(limit(Limit::AmfDepth, 4)), "{open}");
    }
    // Levels before and after the switch add up.
    let mixed = |after: &str| {
        amf0::decode_all(
            &hex(&["0a00000001", "0a00000001", "11", after].concat()),
            limits,
        )
    };
    assert!(mixed("090301 090301 01").is_ok());
    assert_eq!(
        mixed("090301 090301 090301 01"),
        Err(limit(Limit::AmfDepth, 4))
    );
}

#[test]
fn values_and_property_names_are_counted_over_the_message() {
    let limits = |values| AmfLimits { depth: 8, values };
    for (row, count) in [
        ("05 05 05", 3),
        ("03 000161 05 000162 05 000009", 5),
        ("0a00000002 05 05", 3),
        ("11 0903 0361 01 01 01", 4),
        ("11 0a0b01 0361 01 01", 3),
        // Names in the traits count once there and once in each object.
        ("11 0a13 0341 0361 01", 4),
        ("11 110300 01 01", 3),
    ] {
        let values = |max| amf0::decode_all(&hex(row), limits(max)).map(|_| ());
        assert_eq!(values(count), Ok(()), "{row}");
        assert_eq!(
            values(count - 1),
            Err(limit(Limit::AmfValues, count - 1)),
            "{row}"
        );
    }
}

/// [WIRE 078] [WIRE 205]
#[test]
fn declared_counts_and_lengths_take_nothing() {
    for row in [
        "0a ffffffff",
        "0a ffffffff 05",
        "0c ffffffff 61",
        "02 ffff 61",
        "0f ffffffff 61",
        "08 ffffffff 000161",
        "11 06 ffffffff",
        "11 09 ffffffff 01",
        "11 0c ffffffff 61",
        "11 0d ffffffff 00 00000001",
        "11 0e ffffffff 00 00000001",
        "11 0f ffffffff 00 3ff0000000000000",
        "11 0d 05 00 00000001 000000",
        "11 10 ffffffff 00 01 01",
        "11 11 ffffffff 00 01",
        "11 11 05 00 01 01 01",
        "11 0a fffffffb 01",
    ] {
        assert_eq!(decode(&hex(row)), Err(AmfError::Truncated), "{row}");
    }
}

/// [WIRE 205] A count of 100 with 20 bytes behind it fails before the first item: no limit on values is reached.
#[test]
fn a_count_that_the_rest_cannot_hold_reads_no_item() {
    let limits = AmfLimits {
        depth: 4,
        values: 8,
    };
    for (what, start) in [
        ("an array", "09 8149 01"),
        ("a vector of objects", "10 8149 00 01"),
        ("a dictionary", "11 8149 00"),
        ("members of a class", "0a 8c43 01"),
    ] {
        let bytes = [hex(start), vec![0x01; 20]].concat();
        let read = amf3::Decoder::new(&bytes, limits).next_value();
        assert_eq!(read, Err(AmfError::Truncated), "{what}");
    }
}

#[test]
fn a_value_cut_anywhere_is_truncated() {
    for row in [
        "003ff0000000000000",
        "0101",
        "0200046c697665",
        "0a000000020200046176303102000468766331",
        "0b4278bcfe568000000000",
        "0c0000000161",
        "110405",
        "11 0a0b0109636f646506056f6b036e040101",
        "11 0d050000000001ffffffff",
        "11 0a23 0350 0378 0379 0401 0402",
        "11 0903 0361 0401 01 02",
    ] {
        let whole = hex(row);
        assert!(decode(&whole).is_ok());
        for len in 1..whole.len() {
            assert_eq!(
                decode(&whole[..len]),
                Err(AmfError::Truncated),
                "{row} {len}"
            );
        }
    }
}

#[test]
fn properties_may_end_with_the_message_between_two_of_them() {
    let whole = hex("03 000161 05 000162 03 000163 05 | 000009 000009");
    let inner = Properties::new().with("c", Value::Null);
    let outer = Properties::new().with("a", Value::Null).with("b", inner);
    for missing in [0, 3, 6] {
        let cut = &whole[..whole.len() - missing];
        assert_eq!(decode(cut), Ok(vec![outer.clone().into()]), "{missing}");
    }
    for missing in [1, 2, 4, 5, 7] {
        let cut = &whole[..whole.len() - missing];
        assert_eq!(decode(cut), Err(AmfError::Truncated), "{missing}");
    }
    // An array still waits for its elements.
    assert_eq!(
        decode(&hex("0a00000002 03 000161 05")),
        Err(AmfError::Truncated)
    );
}

/// [WIRE 076]
#[test]
fn an_empty_property_name_is_a_name() {
    let object = Properties::new().with("", 1.0).with("a", Value::Null);
    assert_eq!(
        decode(&hex("03 0000 003ff0000000000000 000161 05 000009")),
        Ok(vec![object.into()])
    );
    assert_eq!(
        decode(&hex("03 000161 09")),
        Err(AmfError::Marker(0x09)),
        "the end marker needs an empty name"
    );
}

/// [WIRE 080]
#[test]
fn bytes_that_are_not_utf8_are_kept() {
    let values = decode(&hex("02 0002 e9ff")).unwrap();
    assert_eq!(values[0].as_text().unwrap().as_bytes(), [0xe9, 0xff]);
    let value = decode3(&hex("06 05 e9ff")).unwrap();
    assert_eq!(
        value,
        Some(amf3::Value::String(bongsu_rtmp::Text::copy_from_bytes(&[
            0xe9, 0xff
        ])))
    );
}

#[test]
fn the_rest_is_what_was_not_read() {
    let bytes = hex("05 0101 06");
    let mut decoder = Decoder::new(&bytes, AmfLimits::default());
    assert_eq!(decoder.next_value(), Ok(Some(Value::Null)));
    assert_eq!(decoder.rest(), [1, 1, 6]);
    let mut decoder = Decoder::new(&[0, 5], AmfLimits::default());
    assert_eq!(decoder.next_value(), Err(AmfError::Truncated));
    assert_eq!(decoder.next_value(), Ok(None));
    let mut decoder = amf3::Decoder::new(&[1, 2], AmfLimits::default());
    assert_eq!(decoder.next_value(), Ok(Some(amf3::Value::Null)));
    assert_eq!(decoder.rest(), [2]);
}

/// Bytes that look like AMF more often than random ones do.
fn amf_like() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![0_u8..0x14, Just(0_u8), any::<u8>()];
    prop::collection::vec(byte, 0..600)
}

/// How many values a tree holds, names not counted.
fn size(value: &Value) -> usize {
    let inner = match value {
        Value::StrictArray(elements) => elements.iter().map(size).sum(),
        _ => value.as_properties().map_or(0, |properties| {
            properties.iter().map(|(_, value)| size(value)).sum()
        }),
    };
    inner + 1
}

proptest! {
    /// [WIRE 204]
    #[test]
    fn any_bytes_end_in_values_or_an_error(bytes in amf_like()) {
        let limits = AmfLimits { depth: 8, values: 64 };
        let mut decoder = Decoder::new(&bytes, limits);
        let mut held = 0;
        while let Ok(Some(value)) = decoder.next_value() {
            held += size(&value);
        }
        prop_assert!(held <= 64);
        prop_assert!(held <= bytes.len());
        prop_assert!(bytes.ends_with(decoder.rest()));
        let mut decoder = amf3::Decoder::new(&bytes, limits);
        let mut values = 0;
        while let Ok(Some(_)) = decoder.next_value() {
            values += 1;
        }
        prop_assert!(values <= 64);
    }
}
