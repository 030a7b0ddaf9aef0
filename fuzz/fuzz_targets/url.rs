//! See [`bongsu_fuzz::url`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bongsu_fuzz::url(bytes));
