//! Values for others to read: text is UTF-8, names differ, and numbers equal themselves.

use bongsu_rtmp::amf0::{Properties, Value};
use proptest::prelude::*;
use proptest::strategy::Union;

/// What a reader knows beside numbers, booleans, strings, null, objects and strict arrays.
#[derive(Clone, Copy)]
pub(crate) struct Knows {
    pub(crate) undefined: bool,
    pub(crate) ecma_arrays: bool,
    /// Dates, XML and strings over 65,535 bytes.
    pub(crate) long_and_dated: bool,
    pub(crate) typed_objects: bool,
    pub(crate) unsupported: bool,
}

fn text() -> impl Strategy<Value = String> + Clone {
    prop_oneof![8 => "\\PC{0,12}", 1 => Just(String::new())]
}

fn number() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("NaN equals nothing", |number| !number.is_nan())
}

fn simple(knows: Knows) -> impl Strategy<Value = Value> {
    let mut kinds = vec![
        number().prop_map(Value::Number).boxed(),
        any::<bool>().prop_map(Value::Boolean).boxed(),
        text().prop_map(Value::from).boxed(),
        Just(Value::Null).boxed(),
    ];
    if knows.undefined {
        kinds.push(Just(Value::Undefined).boxed());
    }
    if knows.unsupported {
        kinds.push(Just(Value::Unsupported).boxed());
    }
    if knows.long_and_dated {
        let date = (number(), any::<i16>());
        kinds.push(
            date.prop_map(|(unix_ms, zone)| Value::Date { unix_ms, zone })
                .boxed(),
        );
        kinds.push(
            text()
                .prop_map(|text| Value::XmlDocument(text.into()))
                .boxed(),
        );
        kinds.push(
            (65_534..65_540_usize)
                .prop_map(|len| Value::from("x".repeat(len)))
                .boxed(),
        );
    }
    Union::new(kinds)
}

fn properties(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Properties> {
    prop::collection::btree_map("\\PC{1,12}", value, 0..5).prop_map(|pairs| {
        pairs
            .into_iter()
            .fold(Properties::new(), |all, (name, value)| {
                all.with(name, value)
            })
    })
}

/// The values of a message.
pub(crate) fn message(knows: Knows) -> impl Strategy<Value = Vec<Value>> {
    let value = simple(knows).prop_recursive(4, 32, 5, move |inner| {
        let mut kinds = vec![
            properties(inner.clone()).prop_map(Value::Object).boxed(),
            prop::collection::vec(inner.clone(), 0..5)
                .prop_map(Value::StrictArray)
                .boxed(),
        ];
        if knows.ecma_arrays {
            kinds.push(properties(inner.clone()).prop_map(Value::EcmaArray).boxed());
        }
        if knows.typed_objects {
            let typed = ("\\PC{0,12}", properties(inner));
            kinds.push(
                typed
                    .prop_map(|(class, properties)| Value::TypedObject {
                        class: class.into(),
                        properties,
                    })
                    .boxed(),
            );
        }
        Union::new(kinds)
    });
    prop::collection::vec(value, 0..5)
}

/// Whether `found` holds for a value or for one inside it.
pub(crate) fn any_in(value: &Value, found: &dyn Fn(&Value) -> bool) -> bool {
    found(value)
        || match value {
            Value::StrictArray(elements) => elements.iter().any(|inner| any_in(inner, found)),
            other => other
                .as_properties()
                .is_some_and(|properties| properties.iter().any(|(_, inner)| any_in(inner, found))),
        }
}

/// Whether all text in it is UTF-8, which the readers of others insist on.
pub(crate) fn is_utf8(value: &Value) -> bool {
    let broken = |text: &bongsu_rtmp::Text| std::str::from_utf8(text.as_bytes()).is_err();
    !any_in(value, &|inner| {
        let own = match inner {
            Value::String(text) | Value::XmlDocument(text) => broken(text),
            Value::TypedObject { class, .. } => broken(class),
            _ => false,
        };
        own || inner
            .as_properties()
            .is_some_and(|properties| properties.iter().any(|(name, _)| broken(name)))
    })
}
