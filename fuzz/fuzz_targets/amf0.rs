//! See [`bongsu_fuzz::amf0`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bongsu_fuzz::amf0(bytes));
