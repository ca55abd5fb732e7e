#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::survive_closed_connections(), |input: &[u8]| fuzz::run("answers", input));
