//! Values of `flash-lso` and ours: whether they are the same, and ours as theirs.

use bongsu_rtmp::Text;
use bongsu_rtmp::amf3::{Object, Value};
use flash_lso::types::{
    Attribute, ClassDefinition, DictionaryEntry, DictionaryObjectValue, ECMAArrayObjectValue,
    Element, ObjectId, ObjectValue, Value as Theirs, VectorObjectValue, VectorPrimitiveValue,
};

fn is(ours: &Text, theirs: &str) -> bool {
    ours.as_bytes() == theirs.as_bytes()
}

/// Whether a flag says the same. With `any_flag` one over 1 may differ: see the table of differences.
const fn same_flag(ours: bool, theirs: bool, any_flag: bool) -> bool {
    ours == theirs || (any_flag && ours)
}

/// Whether both read the same.
fn same(ours: &Value, theirs: &Theirs, any_flag: bool) -> bool {
    match (ours, theirs) {
        (Value::Undefined, Theirs::Undefined) | (Value::Null, Theirs::Null) => true,
        (Value::Boolean(ours), Theirs::Bool(theirs)) => ours == theirs,
        (Value::Integer(ours), Theirs::Integer(theirs)) => ours == theirs,
        (Value::Double(ours), Theirs::Number(theirs)) => ours.to_bits() == theirs.to_bits(),
        (Value::String(ours), Theirs::String(theirs)) => is(ours, theirs),
        (Value::XmlDocument(ours), Theirs::XML { value, is_string }) => {
            is(ours, value) && !is_string
        }
        (Value::Xml(ours), Theirs::XML { value, is_string }) => is(ours, value) && *is_string,
        (Value::Date(ours), Theirs::Date { time, .. }) => ours.to_bits() == time.to_bits(),
        (Value::Array { associative, dense }, Theirs::StrictArray { values, .. }) => {
            associative.is_empty() && all_same(dense, values, any_flag)
        }
        (Value::Array { associative, dense }, Theirs::ECMAArray { data, .. }) => {
            same_named(associative, &data.elements, any_flag)
                && all_same(dense, &data.dense, any_flag)
        }
        (Value::Object(ours), Theirs::Object { data, .. }) => same_object(ours, data, any_flag),
        (Value::Object(ours), Theirs::Custom(theirs)) => {
            is(&ours.class, &theirs.class_definition.name)
                && matches!((&ours.external, &theirs.elements[..]), (Some(ours), [theirs])
                    if same(ours, &theirs.value, any_flag))
        }
        (Value::ByteArray(ours), Theirs::ByteArray(theirs)) => ours == theirs,
        (Value::VectorInt { fixed, items }, Theirs::VectorInt(theirs)) => {
            *items == theirs.values && same_flag(*fixed, theirs.fixed_length, any_flag)
        }
        (Value::VectorUint { fixed, items }, Theirs::VectorUInt(theirs)) => {
            *items == theirs.values && same_flag(*fixed, theirs.fixed_length, any_flag)
        }
        (Value::VectorDouble { fixed, items }, Theirs::VectorDouble(theirs)) => {
            let bits = |items: &[f64]| items.iter().map(|item| item.to_bits()).collect::<Vec<_>>();
            bits(items) == bits(&theirs.values) && same_flag(*fixed, theirs.fixed_length, any_flag)
        }
        (
            Value::VectorObject {
                fixed,
                class,
                items,
            },
            Theirs::VectorObject { data, .. },
        ) => {
            is(class, &data.object_type_name)
                && all_same(items, &data.values, any_flag)
                && same_flag(*fixed, data.fixed_length, any_flag)
        }
        (Value::Dictionary { weak, entries }, Theirs::Dictionary { data, .. }) => {
            let mut pairs = entries.iter().zip(&data.elements);
            entries.len() == data.elements.len()
                && same_flag(*weak, data.weak_keys, any_flag)
                && pairs.all(|((key, value), theirs)| {
                    same(key, &theirs.key, any_flag) && same(value, &theirs.value, any_flag)
                })
        }
        (Value::Reference { index, .. }, Theirs::Amf3ObjectReference(theirs)) => {
            i64::from(*index) == theirs.0
        }
        _ => false,
    }
}

pub(crate) fn all_same(ours: &[Value], theirs: &[Theirs], any_flag: bool) -> bool {
    let mut pairs = ours.iter().zip(theirs);
    ours.len() == theirs.len() && pairs.all(|(ours, theirs)| same(ours, theirs, any_flag))
}

fn same_named(ours: &[(Text, Value)], theirs: &[Element], any_flag: bool) -> bool {
    let mut pairs = ours.iter().zip(theirs);
    ours.len() == theirs.len()
        && pairs.all(|((name, value), theirs)| {
            is(name, &theirs.name) && same(value, &theirs.value, any_flag)
        })
}

fn same_object(ours: &Object, theirs: &ObjectValue, any_flag: bool) -> bool {
    let Some(class) = &theirs.class_definition else {
        return false;
    };
    let dynamic = ours.dynamic.as_deref();
    let members = [&ours.sealed[..], dynamic.unwrap_or_default()].concat();
    is(&ours.class, &class.name)
        && dynamic.is_some() == class.attributes.contains(Attribute::Dynamic)
        && ours.sealed.len() == class.static_properties.len()
        && same_named(&members, &theirs.elements, any_flag)
}

/// Gives every container a number of its own: they take equal ones for the same object.
pub(crate) fn to_theirs(value: &Value, next: &mut i64) -> Theirs {
    *next += 1;
    let id = ObjectId(*next);
    match value {
        Value::Undefined | Value::Reference { .. } => Theirs::Undefined,
        Value::Null => Theirs::Null,
        Value::Boolean(truth) => Theirs::Bool(*truth),
        Value::Integer(number) => Theirs::Integer(*number),
        Value::Double(number) => Theirs::Number(*number),
        Value::String(text) => Theirs::String(text.to_str_lossy().into_owned()),
        Value::XmlDocument(text) => Theirs::XML {
            value: text.to_str_lossy().into_owned(),
            is_string: false,
        },
        Value::Xml(text) => Theirs::XML {
            value: text.to_str_lossy().into_owned(),
            is_string: true,
        },
        Value::Date(time) => Theirs::Date {
            time: *time,
            timezone_or_utc: None,
        },
        Value::Array { associative, dense } if associative.is_empty() => Theirs::StrictArray {
            id,
            values: to_all(dense, next),
        },
        Value::Array { associative, dense } => Theirs::ECMAArray {
            id,
            data: ECMAArrayObjectValue {
                dense: to_all(dense, next),
                elements: to_named(associative, next),
                length: 0,
            },
        },
        Value::Object(object) => Theirs::Object {
            id,
            data: to_object(object, next),
        },
        Value::ByteArray(bytes) => Theirs::ByteArray(bytes.to_vec()),
        Value::VectorInt { fixed, items } => Theirs::VectorInt(vector(*fixed, items)),
        Value::VectorUint { fixed, items } => Theirs::VectorUInt(vector(*fixed, items)),
        Value::VectorDouble { fixed, items } => Theirs::VectorDouble(vector(*fixed, items)),
        Value::VectorObject {
            fixed,
            class,
            items,
        } => Theirs::VectorObject {
            id,
            data: VectorObjectValue {
                values: to_all(items, next),
                object_type_name: class.to_str_lossy().into_owned(),
                fixed_length: *fixed,
            },
        },
        Value::Dictionary { weak, entries } => Theirs::Dictionary {
            id,
            data: DictionaryObjectValue {
                elements: to_entries(entries, next),
                weak_keys: *weak,
            },
        },
    }
}

fn to_object(object: &Object, next: &mut i64) -> ObjectValue {
    let mut elements = to_named(&object.sealed, next);
    let mut class = ClassDefinition::default_with_name(object.class.to_str_lossy().into());
    let names = elements.iter().map(|member| member.name.clone());
    class.static_properties = names.collect();
    if let Some(dynamic) = &object.dynamic {
        class.attributes |= Attribute::Dynamic;
        elements.extend(to_named(dynamic, next));
    }
    ObjectValue {
        elements,
        class_definition: Some(class),
    }
}

fn to_entries(entries: &[(Value, Value)], next: &mut i64) -> Vec<DictionaryEntry> {
    entries
        .iter()
        .map(|(key, value)| DictionaryEntry {
            key: to_theirs(key, next),
            value: to_theirs(value, next),
        })
        .collect()
}

fn to_all(values: &[Value], next: &mut i64) -> Vec<Theirs> {
    values.iter().map(|value| to_theirs(value, next)).collect()
}

fn to_named(members: &[(Text, Value)], next: &mut i64) -> Vec<Element> {
    members
        .iter()
        .map(|(name, value)| Element::new(name.to_str_lossy(), to_theirs(value, next)))
        .collect()
}

fn vector<T: Copy>(fixed_length: bool, items: &[T]) -> VectorPrimitiveValue<T> {
    VectorPrimitiveValue {
        values: items.to_vec(),
        fixed_length,
    }
}
