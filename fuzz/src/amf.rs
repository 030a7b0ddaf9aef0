//! AMF0 and AMF3 values.

use std::fmt::Debug;

use bongsu_rtmp::amf0::{self as zero, AmfError};
use bongsu_rtmp::amf3 as three;
use bongsu_rtmp::limits::{AmfLimits, Limits};
use bytes::BytesMut;

/// Longest input: references may make the encoded form longer by this factor.
const INPUT_BYTES_MAX: usize = 8 << 10;
/// Bounds that no rewritten value can reach: references in the input become copies.
const WIDE: AmfLimits = AmfLimits {
    depth: 64,
    values: u32::MAX,
};

/// AMF0 values of a message: what was read is written and read back as it was.
///
/// Values that the small limits let in are the same under the large ones; nothing nests deeper than the limit; what is
/// left to read is the end of the input.
pub fn amf0(input: &[u8]) {
    if input.len() > INPUT_BYTES_MAX {
        return;
    }
    let read = |limits: AmfLimits| {
        let mut decoder = zero::Decoder::new(input, limits);
        let mut values = Vec::new();
        let error = loop {
            match decoder.next_value() {
                Ok(Some(value)) => {
                    assert!(input.ends_with(decoder.rest()));
                    values.push(value);
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        assert!(decoder.rest().is_empty(), "something is left to read");
        assert_eq!(decoder.next_value(), Ok(None), "a value behind the end");
        (values, error)
    };
    let (values, error) = read(Limits::authorised().amf);
    check_prefix(&read(Limits::before_authorisation().amf), &values);
    let all = zero::decode_all(input, Limits::authorised().amf);
    match error {
        None => same(&all.expect("the same reader"), &values),
        Some(error) => assert_eq!(all.unwrap_err(), error),
    }
    for value in &values {
        assert!(depth0(value) <= usize::from(Limits::authorised().amf.depth));
    }

    let write = |values: &[zero::Value]| {
        let mut out = BytesMut::new();
        values.iter().for_each(|value| value.encode(&mut out));
        out
    };
    let written = write(&values);
    let again = zero::decode_all(&written, WIDE).expect("what we write can be read");
    same(&again, &values);
    assert_eq!(write(&again), written, "written twice");
}

/// AMF3 values of a message: what was read is written and read back as it was, references apart.
pub fn amf3(input: &[u8]) {
    if input.len() > INPUT_BYTES_MAX {
        return;
    }
    let read = |input: &[u8], limits: AmfLimits| {
        let mut decoder = three::Decoder::new(input, limits);
        let mut values = Vec::new();
        let error = loop {
            match decoder.next_value() {
                Ok(Some(value)) => {
                    assert!(input.ends_with(decoder.rest()));
                    values.push(value);
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        assert!(decoder.rest().is_empty(), "something is left to read");
        assert_eq!(decoder.next_value(), Ok(None), "a value behind the end");
        (values, error)
    };
    let (values, _) = read(input, Limits::authorised().amf);
    check_prefix(&read(input, Limits::before_authorisation().amf), &values);
    for value in &values {
        assert!(depth3(value) <= usize::from(Limits::authorised().amf.depth));
    }

    let write = |values: &[three::Value]| {
        let mut out = BytesMut::new();
        values.iter().for_each(|value| value.encode(&mut out));
        out
    };
    let written = write(&values);
    let (again, error) = read(&written, WIDE);
    assert_eq!(error, None, "what we write can be read");
    same(&again, &values);
    assert_eq!(write(&again), written, "written twice");
}

/// Smaller limits only end earlier.
fn check_prefix<V: PartialEq + Debug>(small: &(Vec<V>, Option<AmfError>), large: &[V]) {
    let (values, error) = small;
    match error {
        None => same(values, large),
        Some(_) => {
            assert!(values.len() <= large.len());
            same(values, &large[..values.len()]);
        }
    }
}

/// Equal but for NaN, which equals nothing, and for AMF3 references, which are never written.
fn same<V: PartialEq + Debug>(left: &[V], right: &[V]) {
    if left == right {
        return;
    }
    assert_eq!(left.len(), right.len());
    let told = format!("{right:?}");
    assert!(
        told.contains("NaN") || told.contains("Reference"),
        "{left:?} is not {told}"
    );
}

/// Levels of containers.
fn depth0(value: &zero::Value) -> usize {
    let inner = match value {
        zero::Value::StrictArray(elements) => elements.iter().map(depth0).max(),
        zero::Value::Amf3(value) => return depth3(value),
        other => match other.as_properties() {
            Some(properties) => properties.iter().map(|(_, value)| depth0(value)).max(),
            None => return 0,
        },
    };
    1 + inner.unwrap_or(0)
}

fn depth3(value: &three::Value) -> usize {
    let inner = match value {
        three::Value::Array { associative, dense } => {
            let named = associative.iter().map(|(_, value)| value);
            named.chain(dense).map(depth3).max()
        }
        three::Value::Object(object) => {
            let named = object.sealed.iter().chain(object.dynamic.iter().flatten());
            let values = named
                .map(|(_, value)| value)
                .chain(object.external.as_deref());
            values.map(depth3).max()
        }
        three::Value::VectorObject { items, .. } => items.iter().map(depth3).max(),
        three::Value::Dictionary { entries, .. } => entries
            .iter()
            .flat_map(|(key, value)| [key, value])
            .map(depth3)
            .max(),
        _ => return 0,
    };
    1 + inner.unwrap_or(0)
}
