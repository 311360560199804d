//! 特定健診 as the archive of a submission.

use std::io::Cursor;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::checkup::{document, item};
use super::guidance::report;
use super::*;

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn height(day: &str) -> String {
    document(&item("9N001000000000001", "value=\"168.2\"")).replace("20220715", day)
}

#[test]
fn documents_of_the_folder_data_are_read_and_no_others() {
    let world = World::new();
    let (one, two) = (height("20220715"), height("20220716"));
    let guidance = report("22", "><low value=\"20220901\"/><high value=\"20221201\"/>", "1");
    let bytes = archive(&[
        ("5521111111_00280081_202405271_1/ix08_V08.xml", b"<index/>"),
        ("5521111111_00280081_202405271_1/DATA/h1.xml", one.as_bytes()),
        ("5521111111_00280081_202405271_1/DATA/h2.XML", two.as_bytes()),
        ("5521111111_00280081_202405271_1/DATA/h3.xml", &two.as_bytes()[..700]),
        ("5521111111_00280081_202405271_1/DATA/g1.xml", guidance.as_bytes()),
        ("5521111111_00280081_202405271_1/CLAIMS/c1.xml", one.as_bytes()),
        ("5521111111_00280081_202405271_1/XSD/hc08_V08.xsd", b"<schema/>"),
    ]);
    let batch = world.batch("ndb", &[world.write("a.zip", &bytes)], "out");
    assert_eq!(batch.report.tables["ndb.checkups"], 2);
    assert_eq!(batch.report.tables["ndb.guidance"], 1);
    assert_eq!((batch.report.count(Reason::RecordForm), batch.report.quarantined()), (1, 1));
    assert_eq!(batch.report.files[0].kind, "checkup-zip");
}

#[test]
fn bombs_ways_out_and_foreign_archives_are_not_unpacked() {
    let world = World::new();
    let one = height("20220715");
    let blanks = vec![b' '; 17 * 1024 * 1024];
    let dense = vec![b' '; 8 * 1024 * 1024];
    let bytes = archive(&[
        ("../../DATA/h1.xml", one.as_bytes()),
        ("DATA/h2.xml", &blanks),
        ("DATA/h3.xml", &dense),
        ("DATA/h4.xml", one.as_bytes()),
    ]);
    let foreign = archive(&[("word/document.xml", b"<x/>")]);
    let files =
        [world.write("a.zip", &bytes), world.write("b.zip", &foreign), world.write("c.zip", &bytes[..bytes.len() / 2])];
    let batch = world.batch("ndb", &files, "out");
    assert_eq!(batch.report.tables["ndb.checkups"], 1);
    assert_eq!(batch.report.count(Reason::RecordForm), 1);
    assert_eq!(batch.report.count(Reason::RecordLong), 2);
    assert_eq!(batch.report.count(Reason::FileUnknown), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn broken_archives_never_panic(cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
        let world = World::new();
        let mut bytes = archive(&[("DATA/h1.xml", height("20220715").as_bytes()), ("DATA/h2.xml", height("20220716").as_bytes())]);
        for (at, byte) in cuts {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let path = world.write("a.zip", &bytes);
        let done = world.try_run("ndb", &[path], "out");
        let ended = matches!(done, Ok(_) | Err(PseudonymizeError::Nothing { .. }));
        prop_assert!(ended);
    }
}
