//! Goal: what is written is read back as it was, for any value.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use bongsu_rtmp::amf0::{self, Properties, Value};
use bongsu_rtmp::amf3;
use bongsu_rtmp::limits::AmfLimits;
use bongsu_rtmp::message::{Command, TransactionId};
use bongsu_rtmp::text::Text;
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

const LIMITS: AmfLimits = AmfLimits {
    depth: 32,
    values: 100_000,
};

fn text() -> impl Strategy<Value = Text> + Clone {
    prop::collection::vec(any::<u8>(), 0..12).prop_map(|bytes| Text::copy_from_bytes(&bytes))
}

/// Numbers that equal themselves.
fn number() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("NaN equals nothing", |number| !number.is_nan())
}

fn simple3() -> impl Strategy<Value = amf3::Value> {
    use amf3::Value as V;
    prop_oneof![
        Just(V::Undefined),
        Just(V::Null),
        any::<bool>().prop_map(V::Boolean),
        (-(1 << 28)..1 << 28).prop_map(V::Integer),
        number().prop_map(V::Double),
        text().prop_map(V::String),
        text().prop_map(V::XmlDocument),
        number().prop_map(V::Date),
        text().prop_map(V::Xml),
        prop::collection::vec(any::<u8>(), 0..300)
            .prop_map(|bytes| V::ByteArray(Bytes::from(bytes))),
        (any::<bool>(), prop::collection::vec(any::<i32>(), 0..4))
            .prop_map(|(fixed, items)| V::VectorInt { fixed, items }),
        (any::<bool>(), prop::collection::vec(any::<u32>(), 0..4))
            .prop_map(|(fixed, items)| V::VectorUint { fixed, items }),
        (any::<bool>(), prop::collection::vec(number(), 0..4))
            .prop_map(|(fixed, items)| V::VectorDouble { fixed, items }),
    ]
}

fn value3() -> impl Strategy<Value = amf3::Value> {
    use amf3::Value as V;
    simple3().prop_recursive(4, 24, 4, |inner| {
        let values = prop::collection::vec(inner.clone(), 0..4);
        let name = text().prop_filter("ends the list", |name| !name.is_empty());
        let named = prop::collection::vec((name, inner.clone()), 0..4);
        let sealed = prop::collection::vec((text(), inner.clone()), 0..4);
        prop_oneof![
            (named.clone(), values.clone())
                .prop_map(|(associative, dense)| V::Array { associative, dense }),
            (text(), sealed, prop::option::of(named)).prop_map(|(class, sealed, dynamic)| {
                V::Object(amf3::Object {
                    class,
                    sealed,
                    dynamic,
                    external: None,
                })
            }),
            (any::<bool>(), text(), values).prop_map(|(fixed, class, items)| V::VectorObject {
                fixed,
                class,
                items
            }),
            (
                any::<bool>(),
                prop::collection::vec((inner.clone(), inner), 0..4)
            )
                .prop_map(|(weak, entries)| V::Dictionary { weak, entries }),
        ]
    })
}

fn properties(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Properties> {
    prop::collection::vec((text(), value), 0..5).prop_map(|pairs| {
        pairs
            .into_iter()
            .fold(Properties::new(), |all, (name, value)| {
                all.with(name, value)
            })
    })
}

fn value() -> impl Strategy<Value = Value> {
    let simple = prop_oneof![
        number().prop_map(Value::Number),
        any::<bool>().prop_map(Value::Boolean),
        text().prop_map(Value::String),
        Just(Value::Null),
        Just(Value::Undefined),
        any::<u16>().prop_map(Value::Reference),
        (number(), any::<i16>()).prop_map(|(unix_ms, zone)| Value::Date { unix_ms, zone }),
        Just(Value::Unsupported),
        text().prop_map(Value::XmlDocument),
        value3().prop_map(|value| Value::Amf3(Box::new(value))),
    ];
    simple.prop_recursive(4, 48, 5, |inner| {
        prop_oneof![
            properties(inner.clone()).prop_map(Value::Object),
            properties(inner.clone()).prop_map(Value::EcmaArray),
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::StrictArray),
            (text(), properties(inner))
                .prop_map(|(class, properties)| Value::TypedObject { class, properties }),
        ]
    })
}

proptest! {
    #[test]
    fn amf0_values(values in prop::collection::vec(value(), 0..4)) {
        let mut out = BytesMut::new();
        for value in &values {
            value.encode(&mut out);
        }
        prop_assert_eq!(amf0::decode_all(&out, LIMITS), Ok(values));
    }

    #[test]
    fn amf3_values(value in value3()) {
        let mut out = BytesMut::new();
        value.encode(&mut out);
        let mut decoder = amf3::Decoder::new(&out, LIMITS);
        prop_assert_eq!(decoder.next_value(), Ok(Some(value)));
        prop_assert!(decoder.rest().is_empty());
    }

    /// The bits of a transaction id come back, those of a NaN included. [WIRE 092]
    #[test]
    fn commands(bits in any::<u64>(), object in value(), arguments in prop::collection::vec(value(), 0..4)) {
        let transaction = TransactionId::new(f64::from_bits(bits));
        let mut command = Command::new("call", transaction).with_object(object);
        for argument in arguments {
            command = command.with_argument(argument);
        }
        let decoded = Command::decode(&command.to_bytes(), LIMITS).unwrap();
        prop_assert_eq!(decoded.transaction.number().to_bits(), bits);
        prop_assert_eq!(decoded, command);
    }
}
