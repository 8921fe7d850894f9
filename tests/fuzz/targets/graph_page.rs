#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| exchange_sync::fuzzing::graph_page(data));
