//! See [`bongsu_fuzz::chunk`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bongsu_fuzz::chunk(bytes));
