#![no_main]

libfuzzer_sys::fuzz_target!(
    // redb panics on some damaged files, and the log makes errors of that: such a panic is no find.
    init: std::panic::set_hook(Box::new(|_| ())),
    |input: &[u8]| fuzz::run("database", input)
);
