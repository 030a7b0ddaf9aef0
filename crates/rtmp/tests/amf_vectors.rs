//! Goal: AMF values read and write as the golden vectors say, which were checked against other programs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod amf_support;

use amf_support::hex;
use bongsu_rtmp::Text;
use bongsu_rtmp::amf0::{self, AmfError, Properties, Value};
use bongsu_rtmp::amf3;
use bongsu_rtmp::limits::AmfLimits;
use bytes::{Bytes, BytesMut};

fn decode(bytes: &[u8]) -> Result<Vec<Value>, AmfError> {
    amf0::decode_all(bytes, AmfLimits::default())
}

fn decode3(bytes: &[u8]) -> Result<Vec<amf3::Value>, AmfError> {
    let mut decoder = amf3::Decoder::new(bytes, AmfLimits::default());
    let mut values = Vec::new();
    while let Some(value) = decoder.next_value()? {
        values.push(value);
    }
    Ok(values)
}

fn encode(value: &Value) -> Vec<u8> {
    let mut out = BytesMut::new();
    value.encode(&mut out);
    out.to_vec()
}

fn encode3(value: &amf3::Value) -> Vec<u8> {
    let mut out = BytesMut::new();
    value.encode(&mut out);
    out.to_vec()
}

/// [WIRE 073]
#[test]
fn v19_values_of_amf0() {
    let fields = Properties::new().with("app", "live").with("fpad", false);
    let duration = || Value::EcmaArray(Properties::new().with("duration", 0.0));
    for (row, value) in [
        ("003ff0000000000000", Value::Number(1.0)),
        ("00c09f400000000000", Value::Number(-2000.0)),
        ("0101", Value::Boolean(true)),
        ("0200046c697665", Value::text("live")),
        ("020000", Value::text("")),
        ("05", Value::Null),
        ("06", Value::Undefined),
        (
            "0300036170700200046c6976650004667061640100000009",
            Value::Object(fields),
        ),
        (
            "080000000100086475726174696f6e000000000000000000000009",
            duration(),
        ),
        (
            "0a000000020200046176303102000468766331",
            Value::StrictArray(vec![Value::text("av01"), Value::text("hvc1")]),
        ),
        (
            "0b4278bcfe568000000000",
            Value::Date {
                unix_ms: 1_700_000_000_000.0,
                zone: 0,
            },
        ),
        (
            "10000141000178003ff0000000000000000009",
            Value::TypedObject {
                class: "A".into(),
                properties: Properties::new().with("x", 1.0),
            },
        ),
        ("070001", Value::Reference(1)),
        ("110405", Value::Amf3(Box::new(amf3::Value::Integer(5)))),
    ] {
        let bytes = hex(row);
        assert_eq!(encode(&value), bytes, "{row}");
        assert_eq!(decode(&bytes), Ok(vec![value]), "{row}");
    }
    // [WIRE 074]
    let lying = hex("080000001400086475726174696f6e000000000000000000000009");
    assert_eq!(decode(&lying), Ok(vec![duration()]));
}

#[test]
fn the_other_markers_of_amf0() {
    for (row, value) in [
        ("0d", Value::Unsupported),
        ("0f00000003 3c612f", Value::XmlDocument("<a/".into())),
        ("0a00000000", Value::StrictArray(Vec::new())),
        ("03000009", Value::Object(Properties::new())),
        (
            "0bc024000000000000ffc4",
            Value::Date {
                unix_ms: -10.0,
                zone: -60,
            },
        ),
    ] {
        assert_eq!(encode(&value), hex(row));
        assert_eq!(decode(&hex(row)), Ok(vec![value]));
    }
    assert_eq!(decode(&hex("01ff")), Ok(vec![Value::Boolean(true)]));
    assert_eq!(decode(&hex("0c0000000161")), Ok(vec![Value::text("a")]));
    for marker in [0x04, 0x09, 0x0e, 0x12, 0xff] {
        assert_eq!(decode(&[marker, 0, 0]), Err(AmfError::Marker(marker)));
    }
}

#[test]
fn strings_over_65535_bytes_are_long_strings() {
    for (len, marker) in [(65_535, 0x02), (65_536, 0x0c)] {
        let value = Value::from("s".repeat(len));
        let bytes = encode(&value);
        assert_eq!(bytes[0], marker);
        assert_eq!(decode(&bytes), Ok(vec![value]));
    }
    let long_name = Properties::new().with("n".repeat(65_536), 1.0);
    let expected = Properties::new().with("n".repeat(65_535), 1.0);
    assert_eq!(
        decode(&encode(&long_name.into())),
        Ok(vec![expected.into()])
    );
}

#[test]
fn v20_integers_of_amf3() {
    for (number, row) in [
        (0, "0400"),
        (5, "0405"),
        (127, "047f"),
        (128, "048100"),
        (16383, "04ff7f"),
        (16384, "04818000"),
        (2_097_151, "04ffff7f"),
        (2_097_152, "0480c08000"),
        (268_435_455, "04bfffffff"),
        (-1, "04ffffffff"),
        (-268_435_456, "04c0808000"),
    ] {
        let value = amf3::Value::Integer(number);
        assert_eq!(encode3(&value), hex(row), "{number}");
        assert_eq!(decode3(&hex(row)), Ok(vec![value]), "{number}");
    }
}

/// [WIRE 084]
#[test]
fn integers_over_29_bits_are_written_as_doubles() {
    for number in [268_435_456, -268_435_457, i32::MIN, i32::MAX] {
        let written = decode3(&encode3(&amf3::Value::Integer(number)));
        assert_eq!(written, Ok(vec![amf3::Value::Double(f64::from(number))]));
    }
}

fn dynamic_object(members: Vec<(&str, amf3::Value)>) -> amf3::Value {
    let members = members
        .into_iter()
        .map(|(name, value)| (name.into(), value));
    amf3::Value::Object(amf3::Object {
        class: "".into(),
        sealed: Vec::new(),
        dynamic: Some(members.collect()),
        external: None,
    })
}

#[test]
fn v21_strings_are_shared_between_values() {
    let object = dynamic_object(vec![
        ("code", amf3::Value::String("ok".into())),
        ("n", amf3::Value::Integer(1)),
    ]);
    let array = amf3::Value::Array {
        associative: Vec::new(),
        dense: vec![
            amf3::Value::String("ok".into()),
            amf3::Value::Null,
            amf3::Value::Boolean(true),
        ],
    };
    let first = hex("0a0b0109636f646506056f6b036e040101");
    assert_eq!(encode3(&object), first);
    let both = [first, hex("09070106020103")].concat();
    assert_eq!(decode3(&both), Ok(vec![object.clone(), array.clone()]));
    // The same as arguments of one AMF0 message.
    let switched = hex("11 0a0b0109636f646506056f6b036e040101 11 09070106020103");
    assert_eq!(
        decode(&switched),
        Ok(vec![
            Value::Amf3(Box::new(object)),
            Value::Amf3(Box::new(array.clone()))
        ])
    );
    assert_eq!(encode3(&array), hex("0907010605 6f6b 0103"));
}

#[test]
fn v22_more_values_of_amf3() {
    for (row, value) in [
        ("053fe0000000000000", amf3::Value::Double(0.5)),
        (
            "08014278bcfe56800000",
            amf3::Value::Date(1_700_000_000_000.0),
        ),
        (
            "0c07010203",
            amf3::Value::ByteArray(Bytes::from_static(&[1, 2, 3])),
        ),
        (
            "0d050000000001ffffffff",
            amf3::Value::VectorInt {
                fixed: false,
                items: vec![1, -1],
            },
        ),
        (
            "1103000603610401",
            amf3::Value::Dictionary {
                weak: false,
                entries: vec![(amf3::Value::String("a".into()), amf3::Value::Integer(1))],
            },
        ),
    ] {
        assert_eq!(encode3(&value), hex(row), "{row}");
        assert_eq!(decode3(&hex(row)), Ok(vec![value]), "{row}");
    }
}

#[test]
fn the_other_markers_of_amf3() {
    for (row, value) in [
        ("00", amf3::Value::Undefined),
        ("01", amf3::Value::Null),
        ("02", amf3::Value::Boolean(false)),
        ("03", amf3::Value::Boolean(true)),
        ("0601", amf3::Value::String("".into())),
        ("0705 6162", amf3::Value::XmlDocument("ab".into())),
        ("0b05 6162", amf3::Value::Xml("ab".into())),
        (
            "0e0301 ffffffff",
            amf3::Value::VectorUint {
                fixed: true,
                items: vec![u32::MAX],
            },
        ),
        (
            "0f0300 3ff0000000000000",
            amf3::Value::VectorDouble {
                fixed: false,
                items: vec![1.0],
            },
        ),
        (
            "100501 0341 0401 01",
            amf3::Value::VectorObject {
                fixed: true,
                class: "A".into(),
                items: vec![amf3::Value::Integer(1), amf3::Value::Null],
            },
        ),
        (
            "0903 0361 0401 01 02",
            amf3::Value::Array {
                associative: vec![("a".into(), amf3::Value::Integer(1))],
                dense: vec![amf3::Value::Boolean(false)],
            },
        ),
    ] {
        assert_eq!(encode3(&value), hex(row), "{row}");
        assert_eq!(decode3(&hex(row)), Ok(vec![value]), "{row}");
    }
    assert_eq!(decode3(&[0x12]), Err(AmfError::Marker(0x12)));
}

#[test]
fn objects_of_a_class_share_its_traits() {
    // Class "P" with the sealed members "x" and "y", twice; the second time by reference to the traits.
    let row = "0a23 0350 0378 0379 0401 0402 | 0a01 0403 0404";
    let point = |x, y| {
        amf3::Value::Object(amf3::Object {
            class: "P".into(),
            sealed: vec![
                ("x".into(), amf3::Value::Integer(x)),
                ("y".into(), amf3::Value::Integer(y)),
            ],
            dynamic: None,
            external: None,
        })
    };
    assert_eq!(decode3(&hex(row)), Ok(vec![point(1, 2), point(3, 4)]));
    assert_eq!(encode3(&point(1, 2)), hex("0a23 0350 0378 0379 0401 0402"));
}

#[test]
fn sealed_and_dynamic_members_stay_apart() {
    let both = amf3::Value::Object(amf3::Object {
        class: "P".into(),
        sealed: vec![("x".into(), amf3::Value::Integer(1))],
        dynamic: Some(vec![("z".into(), amf3::Value::Integer(2))]),
        external: None,
    });
    let row = hex("0a1b 0350 0378 0401 037a 0402 01");
    assert_eq!(encode3(&both), row);
    assert_eq!(decode3(&row), Ok(vec![both]));
}

#[test]
fn two_externalizable_classes_hold_one_value() {
    for class in [
        "flex.messaging.io.ArrayCollection",
        "flex.messaging.io.ObjectProxy",
    ] {
        let value = amf3::Value::Object(amf3::Object {
            class: class.into(),
            sealed: Vec::new(),
            dynamic: None,
            external: Some(Box::new(dynamic_object(vec![("a", amf3::Value::Null)]))),
        });
        let bytes = encode3(&value);
        assert_eq!(bytes[..2], [0x0a, 0x07]);
        assert_eq!(decode3(&bytes), Ok(vec![value]));
    }
    assert_eq!(decode3(&hex("0a07 0341 01")), Err(AmfError::Externalizable));
}

/// [WIRE 079]
#[test]
fn objects_that_contain_themselves_stay_references() {
    let inner = amf3::Value::Reference {
        marker: 0x0a,
        index: 0,
    };
    let row = hex("0a0b01 0361 0a00 01");
    assert_eq!(
        decode3(&row),
        Ok(vec![dynamic_object(vec![("a", inner.clone())])])
    );
    assert_eq!(encode3(&inner), [0x00]);
    let amf0 = hex("03 000161 070000 000009");
    let object = Properties::new().with("a", Value::Reference(0));
    assert_eq!(decode(&amf0), Ok(vec![object.into()]));
}

/// [WIRE 083]
#[test]
fn references_to_nothing_are_refused() {
    for (row, index) in [
        ("0600", 0),              // string 0 of none
        ("0603 61 | 0602", 1),    // string 1 of one
        ("0601 | 0600", 0),       // the empty string takes no place
        ("0900", 0),              // object 0 of none
        ("0c0361 | 0c02", 1),     // object 1 of one
        ("0a01", 0),              // traits 0 of none
        ("0a0b01 01 | 0a05", 1),  // traits 1 of one
        ("0a23 0350 0378 04", 2), // a member name that was not there
        ("0801 0000000000000000 | 0802", 1),
    ] {
        assert_eq!(decode3(&hex(row)), Err(AmfError::Reference(index)), "{row}");
    }
}

/// [WIRE 075]
#[test]
fn everything_with_properties_gives_them() {
    let properties = || {
        Properties::new()
            .with("a", 1.0)
            .with("b", "x")
            .with("a", 2.0)
    };
    for value in [
        Value::Object(properties()),
        Value::EcmaArray(properties()),
        Value::TypedObject {
            class: "A".into(),
            properties: properties(),
        },
    ] {
        assert_eq!(value.get("a").and_then(Value::as_number), Some(2.0));
        assert_eq!(value.get("c"), None);
    }
    assert_eq!(Value::Null.get("a"), None);
    // Both of a name that came twice are kept.
    assert_eq!((properties().len(), properties().is_empty()), (3, false));
    let none = Properties::new();
    assert_eq!((none.len(), none.is_empty()), (0, true));
    assert_eq!(Value::StrictArray(vec![Value::Null]).get("a"), None);
}

#[test]
fn simple_values_are_read_in_both_versions() {
    let amf3 = |value| Value::Amf3(Box::new(value));
    assert_eq!(amf3(amf3::Value::Integer(3)).as_number(), Some(3.0));
    assert_eq!(amf3(amf3::Value::Double(0.5)).as_number(), Some(0.5));
    assert_eq!(amf3(amf3::Value::Boolean(true)).as_bool(), Some(true));
    let text = amf3(amf3::Value::String("a".into()));
    assert_eq!(text.as_text(), Some(&"a".into()));
    assert_eq!(text.as_number(), None);
    assert!(amf3(amf3::Value::Null).is_nothing());
    assert!(Value::Undefined.is_nothing());
    assert!(!Value::Boolean(false).is_nothing());
    assert_eq!(Value::text("1").as_number(), None);
    assert_eq!(Value::Number(1.0).as_bool(), None);
    for truth in [true, false] {
        assert_eq!(Value::Boolean(truth).as_bool(), Some(truth));
    }
    // A value of another kind is no value of this one, whatever it could be turned into.
    assert_eq!(amf3(amf3::Value::Integer(1)).as_bool(), None);
    assert_eq!(amf3(amf3::Value::Integer(1)).as_text(), None);
    assert_eq!(Value::Boolean(true).as_text(), None);
    assert_eq!(Value::EcmaArray(Properties::new()).as_array(), None);
    assert_eq!(Value::from(Text::from("a")), Value::from("a"));
    assert_eq!(
        Value::StrictArray(vec![Value::Null]).as_array(),
        Some(&[Value::Null][..])
    );
}

/// [WIRE 079] Places are counted as they come on the wire: containers before what is in them, keys before values, dates,
/// XML and byte arrays too; references and strings take none.
#[test]
fn a_reference_leads_to_what_it_means() {
    let bytes = hex(
        "09 03 03 61 0a 0b 01 03 73 0a 02 01 01 08 01 00 00 00 00 00 00 00 00
         11 05 00 0c 03 aa 0b 03 78 06 02 0d 01 00
         0a 02 08 04 0c 08 0b 0a 0d 0c",
    );
    // An array with a = an object whose s is the object itself, and a date; a dictionary of two; four references.
    let values = decode3(&bytes).unwrap();
    let mut led_to = Vec::new();
    for value in &values {
        if let amf3::Value::Reference { marker, index } = value {
            let meant = amf3::referred(&values, *index).unwrap();
            led_to.push((*marker, meant.clone()));
        }
    }
    let text = |bytes: &'static str| amf3::Value::Xml(bytes.into());
    assert!(matches!(&led_to[0], (0x0a, amf3::Value::Object(object)) if object.dynamic.is_some()));
    assert_eq!(led_to[1], (0x08, amf3::Value::Date(0.0)));
    assert_eq!(
        led_to[2],
        (0x0c, amf3::Value::ByteArray(b"\xaa"[..].into()))
    );
    assert_eq!(led_to[3], (0x0b, text("x")));
    let empty = amf3::Value::VectorInt {
        fixed: false,
        items: vec![],
    };
    assert_eq!(led_to[4], (0x0d, empty));
    assert_eq!(amf3::referred(&values, 7), None, "there are seven places");
}
