//! Values for both: text is UTF-8, numbers equal themselves, sealed and dynamic names differ.

use bongsu_rtmp::Text;
use bongsu_rtmp::amf3::{Object, Value};
use bytes::Bytes;
use proptest::prelude::*;

fn number() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("NaN equals nothing", |number| !number.is_nan())
}

/// Few letters, so that strings, names and classes come again and are written as references.
fn text() -> impl Strategy<Value = Text> + Clone {
    "[ab\u{e9}]{0,2}".prop_map(Text::from)
}

/// Numbers at which a U29 grows by a byte, and its ends.
fn integer() -> impl Strategy<Value = i32> {
    let near =
        |at: i32| (at - 2..=at + 1).prop_map(|number| number.clamp(-(1 << 28), (1 << 28) - 1));
    prop_oneof![
        -(1 << 28)..1 << 28,
        near(0x80),
        near(0x4000),
        near(0x20_0000),
        near(1 << 28),
        near(-(1 << 28)),
        near(0),
    ]
}

fn simple() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Undefined),
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        integer().prop_map(Value::Integer),
        number().prop_map(Value::Double),
        text().prop_map(Value::String),
        text().prop_map(Value::XmlDocument),
        number().prop_map(Value::Date),
        text().prop_map(Value::Xml),
        prop::collection::vec(any::<u8>(), 0..300)
            .prop_map(|bytes| Value::ByteArray(Bytes::from(bytes))),
        (any::<bool>(), prop::collection::vec(any::<i32>(), 0..4))
            .prop_map(|(fixed, items)| Value::VectorInt { fixed, items }),
        (any::<bool>(), prop::collection::vec(any::<u32>(), 0..4))
            .prop_map(|(fixed, items)| Value::VectorUint { fixed, items }),
        (any::<bool>(), prop::collection::vec(number(), 0..4))
            .prop_map(|(fixed, items)| Value::VectorDouble { fixed, items }),
    ]
}

/// Members under these names: their writer tells sealed and dynamic ones apart by name.
fn named(
    names: &'static str,
    value: impl Strategy<Value = Value>,
) -> impl Strategy<Value = Vec<(Text, Value)>> {
    prop::collection::btree_map(names, value, 0..4).prop_map(|pairs| {
        pairs
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect()
    })
}

pub(crate) fn value() -> impl Strategy<Value = Value> {
    simple().prop_recursive(4, 24, 4, |inner| {
        let values = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            (named("[ab]{1,2}", inner.clone()), values.clone())
                .prop_map(|(associative, dense)| Value::Array { associative, dense }),
            (
                text(),
                named("[ab]{1,2}", inner.clone()),
                prop::option::of(named("[cd]{1,2}", inner.clone()))
            )
                .prop_map(|(class, sealed, dynamic)| Value::Object(Object {
                    class,
                    sealed,
                    dynamic,
                    external: None,
                })),
            (any::<bool>(), text(), values).prop_map(|(fixed, class, items)| Value::VectorObject {
                fixed,
                class,
                items
            }),
            (
                any::<bool>(),
                prop::collection::vec((inner.clone(), inner), 0..4)
            )
                .prop_map(|(weak, entries)| Value::Dictionary { weak, entries }),
        ]
    })
}
