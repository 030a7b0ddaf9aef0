//! See [`bongsu_fuzz::amf3`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bongsu_fuzz::amf3(bytes));
