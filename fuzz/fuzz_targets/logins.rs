#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorkeeper_fuzz::targets::logins(data));
