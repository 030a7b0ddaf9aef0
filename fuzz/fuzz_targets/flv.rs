//! See [`bongsu_fuzz::flv`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bongsu_fuzz::flv(bytes));
