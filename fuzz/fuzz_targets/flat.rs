//! Bytes as a file of `flat`: no input may panic, hang or fill the memory.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Read with the layout of the example.
    static ADDED: std::sync::Once = std::sync::Once::new();
    ADDED.call_once(|| {
        let file = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/sources/registry.toml"));
        let source = catalog::AddedSource::read(file).expect("the example is a source");
        catalog::install(vec![source]).expect("nothing has read the catalog yet");
        pseudonymizer::fuzz::add_flat(file).expect("the example is a layout");
    });
    let folder = tempfile::tempdir().expect("a folder for what is put aside");
    let _report = pseudonymizer::fuzz::read("flat", bytes, folder.path());
});
