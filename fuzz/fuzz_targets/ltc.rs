//! Bytes as a file of `ltc`: no input may panic, hang or fill the memory.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder for what is put aside");
    let _report = pseudonymizer::fuzz::read("ltc", bytes, folder.path());
});
