//! Faults of AMF readers.

use bongsu_rtmp::amf0::{self, AmfError};
use bongsu_rtmp::limits::{
    AMF_DEPTH_BEFORE_AUTHORISATION_MAX, AMF_DEPTH_MAX, AMF_VALUES_MAX, AmfLimits, Limit,
};
use bytes::BytesMut;

use crate::support::hex;

/// A thread's stack that a careless recursion has used up at once.
const STACK_BYTES: usize = 64 << 10;

fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    thread.spawn(work).unwrap().join().unwrap();
}

fn limit_of(error: &AmfError) -> Limit {
    match error {
        AmfError::Limit(exceeded) => exceeded.limit,
        other => panic!("{other}"),
    }
}

/// What opens one level of each kind, behind what, and what closes it.
const LEVELS: [[&str; 4]; 7] = [
    ["", "0a00000001", "05", ""],
    ["", "03 000161", "05", "000009"],
    ["", "08 00000000 000161", "05", "000009"],
    ["", "10 000141 000161", "05", "000009"],
    ["11", "090301", "01", ""],
    ["11", "0a0b01 0361", "01", "01"],
    ["11", "110300", "01", "01"],
];

/// 70,000 values in each other took a stack of 8 MiB elsewhere, before any authorisation.
#[test]
fn values_nested_without_end_flvmeta_29_red5_469_brpc_3344() {
    on_a_small_stack(|| {
        for [before, open, inner, close] in LEVELS {
            let nested = |depth: usize| {
                hex(&[before, &open.repeat(depth), inner, &close.repeat(depth)].concat())
            };
            for depth in [AMF_DEPTH_BEFORE_AUTHORISATION_MAX, AMF_DEPTH_MAX] {
                let limits = AmfLimits {
                    depth,
                    values: AMF_VALUES_MAX,
                };
                let depth = usize::from(depth);
                let values = amf0::decode_all(&nested(depth), limits).unwrap();
                // Writing, printing, comparing and dropping recurse as well.
                let mut out = BytesMut::new();
                values.iter().for_each(|value| value.encode(&mut out));
                assert!(format!("{values:?}").len() > depth);
                assert!(values == values.clone());
                drop(values);
                for past in [depth + 1, 70_000] {
                    let error = amf0::decode_all(&nested(past), limits).unwrap_err();
                    assert_eq!(limit_of(&error), Limit::AmfDepth, "{open}");
                }
            }
        }
    });
}

/// Four thousand million elements in three bytes, more values than a message may have, and references that lead back.
#[test]
fn counts_strings_and_references_that_are_not_there_zlmediakit_4787() {
    on_a_small_stack(|| {
        let limits = AmfLimits::default();
        let decode = |row: &str| amf0::decode_all(&hex(row), limits);
        for row in [
            "0a ffffffff 050505",
            "08 ffffffff 000161",
            "0c ffffffff 616161",
        ] {
            assert_eq!(decode(row), Err(AmfError::Truncated), "{row}");
        }
        let many = |count: u32| [hex("0a"), count.to_be_bytes().to_vec()].concat();
        let filled = |count: u32| [many(count), vec![5; count as usize]].concat();
        assert!(amf0::decode_all(&filled(AMF_VALUES_MAX - 1), limits).is_ok());
        let error = amf0::decode_all(&filled(AMF_VALUES_MAX), limits).unwrap_err();
        assert_eq!(limit_of(&error), Limit::AmfValues);
        // An object that holds itself, by AMF0 and by AMF3: read, printed and dropped without following it.
        for row in ["03 000161 07 0000 000009", "11 0a0b01 0361 0a00 01"] {
            let values = decode(row);
            assert!(format!("{values:?}").len() < 1_000, "{row}");
        }
    });
}
