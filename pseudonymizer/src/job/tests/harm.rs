//! Bad input: what is bad is put aside with its place, the rest goes on, and no list, report or error says what stood there.

use std::io::{Seek, SeekFrom};
use std::process::Command;

use serde_json::Value;

use super::checkup::{document, item};
use super::ndb::cp932;
use super::*;

/// Identifiers of nobody, in the writings that files have.
const MARKS: [&str; 4] = ["幡鬼　丸代", "ﾊﾀｵﾆ ﾏﾙﾖ", "98765012345678901234567", "mark@hatao.example"];
/// What of them must stand nowhere.
const TRACES: [&str; 6] = ["幡鬼", "ﾊﾀｵﾆ", "ハタオニ", "9876501", "hatao", "mark@"];

/// Every file that others than the holder could see, and the holder's own lists: all but sealed records and the holder's folder.
fn in_the_open(folder: &Path, into: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        into.extend_from_slice(name.as_bytes());
        if entry.path().is_dir() {
            if name != "holder" {
                in_the_open(&entry.path(), into);
            }
        } else if !name.starts_with("records-") {
            into.extend_from_slice(&fs::read(entry.path()).unwrap());
        }
    }
}

fn told(error: &PseudonymizeError) -> String {
    let mut told = format!("{error} {error:?} {}", error.hint());
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        told = format!("{told} {error} {error:?}");
        cause = error.source();
    }
    told
}

/// A run that may put everything aside.
fn run_all(world: &World, source: &str, files: &[PathBuf], out: &str) -> Result<Report, PseudonymizeError> {
    let mut job = world.job(source, files, world.dir.path().join(out));
    job.options.max_quarantine_share = 1.0;
    pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |_| true)
}

/// Entries of a batch's quarantine lists.
fn aside(world: &World, out: &str) -> Vec<Value> {
    let folder = world.dir.path().join(out).join("quarantine");
    let lists = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "jsonl"));
    let mut entries: Vec<Value> = lists
        .flat_map(|list| fs::read_to_string(list.path()).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect();
    entries.sort_by_key(|entry| (entry["file"].as_u64(), entry["record"].as_u64()));
    entries
}

/// A fixture once for each of its filled cells and each mark, the mark in the cell's place.
fn marked(name: &str, separator: u8) -> Vec<Vec<u8>> {
    let bytes = fs::read(fixture(name)).unwrap();
    let is_utf8 = std::str::from_utf8(&bytes).is_ok();
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let mut files = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let cells: Vec<&[u8]> = line.split(|byte| *byte == separator).collect();
        for place in (0..cells.len()).filter(|place| !cells[*place].trim_ascii().is_empty()) {
            for mark in MARKS {
                let mark = if is_utf8 { mark.as_bytes().to_vec() } else { cp932(mark) };
                let mut cells = cells.clone();
                cells[place] = &mark;
                let changed = cells.join(&separator);
                let mut lines = lines.clone();
                lines[at] = &changed;
                files.push(lines.join(&b'\n'));
            }
        }
    }
    files
}

fn marked_text(text: &str, is_value: impl Fn(&str) -> bool) -> Vec<Vec<u8>> {
    let parts: Vec<&str> = text.split('"').collect();
    let values = (1..parts.len()).step_by(2).filter(|at| is_value(parts[*at]));
    let put = |at: usize, mark: &str| {
        let mut parts = parts.clone();
        parts[at] = mark;
        parts.join("\"").into_bytes()
    };
    values.flat_map(|at| MARKS.map(|mark| put(at, mark))).collect()
}

fn nothing_of_the_marks_leaves(source: &str, files: &[Vec<u8>]) {
    let world = World::new();
    let paths: Vec<PathBuf> =
        files.iter().enumerate().map(|(at, bytes)| world.write(&format!("raw-{at:05}"), bytes)).collect();
    let mut job = world.job(source, &paths, world.dir.path().join("out"));
    job.options.max_quarantine_share = 1.0;
    let report = match pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |_| true) {
        Ok(report) => report,
        Err(fault) => panic!("{source}: {}", told(&fault)),
    };
    let folder = world.dir.path().join("out");
    let mut seen = format!("{report:?}").into_bytes();
    in_the_open(&folder, &mut seen);
    let none = || RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty()));
    let tables = report.tables.keys().map(|table| (table.clone(), none())).collect();
    let batch = Batch { folder, report, tokens: none(), tables };
    seen.extend(batch.leaving(&world));
    for trace in TRACES {
        assert_eq!(count_in(&seen, trace), 0, "{source}: {trace}");
    }
    assert!(count_in(&seen, "\"records\"") > 0);
}

#[test]
fn marks_in_every_cell_of_receipts_leave_nowhere() {
    let files: Vec<Vec<u8>> =
        ["RECEIPTC_202207.UKE", "RECEIPTD_202208.UKE"].into_iter().flat_map(|name| marked(name, b',')).collect();
    nothing_of_the_marks_leaves("ndb", &files);
}

#[test]
fn marks_in_every_cell_of_long_term_care_leave_nowhere() {
    let names = ["i2208a.csv", "nintei_head18.csv", "FORM_0900_2021_1.csv", "SERVICE_USER_INFO_1.csv"];
    let files: Vec<Vec<u8>> = names.into_iter().flat_map(|name| marked(name, b',')).collect();
    nothing_of_the_marks_leaves("ltc", &files);
}

#[test]
fn marks_in_every_cell_of_dpc_leave_nowhere() {
    let names = ["EFn_131234566_2208.txt", "FF1_131234566_2208.txt", "Dn_131234566_2208.txt", "Hn_131234566_2208.txt"];
    let files: Vec<Vec<u8>> = names.into_iter().flat_map(|name| marked(name, b'\t')).collect();
    nothing_of_the_marks_leaves("dpc", &files);
}

#[test]
fn marks_in_every_value_of_checkups_leave_nowhere() {
    let items = [item("9N001000000000001", "value=\"168.2\""), item("9N736000000000011", "code=\"2\"")].concat();
    nothing_of_the_marks_leaves(
        "ndb",
        &marked_text(&document(&items), |value| !value.contains("urn:") && !value.contains("http")),
    );
}

#[test]
fn marks_in_every_value_of_documents_leave_nowhere() {
    let text = fs::read_to_string(fixture("fhir-referral-example.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut paths = Vec::new();
    leaves(&document, &mut String::new(), &mut paths);
    // Every seventh value of each mark: all of them in seven runs' time, each kind of resource among them.
    let files = paths.iter().enumerate().filter_map(|(at, path)| {
        let mut document = document.clone();
        if let Some(value) = document.pointer_mut(path) {
            *value = Value::String(MARKS[at % MARKS.len()].to_owned());
        }
        (at % 7 == 0).then(|| serde_json::to_vec(&document).unwrap())
    });
    nothing_of_the_marks_leaves("ehr", &files.collect::<Vec<_>>());
}

fn leaves(value: &Value, path: &mut String, into: &mut Vec<String>) {
    let mut inside = |name: &str, value: &Value| {
        let length = path.len();
        path.push('/');
        path.push_str(&name.replace('~', "~0").replace('/', "~1"));
        leaves(value, path, into);
        path.truncate(length);
    };
    match value {
        Value::Array(values) => values.iter().enumerate().for_each(|(at, value)| inside(&at.to_string(), value)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| inside(name, value)),
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => into.push(path.clone()),
    }
}

#[test]
fn quarantine_says_file_record_byte_and_reason_and_seals_the_rest_to_the_holder() {
    let world = World::new();
    let head = "IR,1,13,1,1234566,,X,202208,00,\r\n";
    let bad = "RE,1,1112,202299,幡鬼　丸代,1,19580314\r\nHO,06131239,,9876501,1,100\r\n";
    let good = "RE,2,1112,202207,佐藤　花子,2,19441102\r\nHO,06131239,,12345,1,100\r\nSY,8833421,20150410,1\r\n";
    let file = world.write("a.UKE", &cp932(&format!("{head}{bad}{good}ZZ,幡鬼\r\nGO,2,200,99\r\n")));
    let report = run_all(&world, "ndb", &[file], "out").unwrap();
    assert_eq!((report.files[0].passed, report.tables["ndb.claims"]), (1, 1), "the rest goes on");
    let entries = aside(&world, "out");
    let keys: Vec<&String> = entries.iter().flat_map(|entry| entry.as_object().unwrap().keys()).collect();
    assert!(keys.iter().all(|key| ["byte", "file", "reason", "record"].contains(&key.as_str())), "{keys:?}");
    let place = |text: &str| u64::try_from(cp932(text).len()).unwrap();
    let said: Vec<(u64, u64)> =
        entries.iter().map(|entry| (entry["record"].as_u64().unwrap(), entry["byte"].as_u64().unwrap())).collect();
    assert_eq!(said, [(2, place(head)), (7, place(&format!("{head}{bad}{good}")))]);
    let sealed = world.dir.path().join("out/quarantine/records-000000.age");
    let mut opened = Vec::new();
    seal::open(&sealed, &world.holder.seal().unwrap()).unwrap().read_to_end(&mut opened).unwrap();
    assert!(count_in(&opened, "幡鬼　丸代") == 1 && count_in(&opened, "9876501") > 0);
    for zone in [&world.linkage, &world.enclave] {
        assert!(seal::open(&sealed, &zone.seal().unwrap()).is_err());
    }
}

#[test]
fn too_much_in_quarantine_shows_no_batch() {
    let world = World::new();
    let mut text = "IR,1,13,1,1234566,,X,202208,00,\r\n".to_owned();
    text.push_str(&"RE,1,1112,202299,幡鬼　丸代,1,19580314\r\n".repeat(40));
    let file = world.write("a.UKE", &cp932(&text));
    let job = Job {
        options: Options::default(),
        ..world.job("ndb", std::slice::from_ref(&file), world.dir.path().join("out"))
    };
    let fault = pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |_| true).unwrap_err();
    assert_eq!(fault.code(), "pseudonymize/quarantine");
    assert!(TRACES.iter().all(|trace| !told(&fault).contains(trace)));
    assert!(!world.dir.path().join("out").exists(), "nothing visible");
    let mut seen = Vec::new();
    in_the_open(&world.dir.path().join("out.partial"), &mut seen);
    assert!(TRACES.iter().all(|trace| count_in(&seen, trace) == 0));
    assert!(
        !world.dir.path().join("out.partial/batch.json").exists()
            && count_in(&seen, "receipt/") + count_in(&seen, "record/") > 0
    );
}

#[test]
fn files_cut_anywhere_are_read_as_far_as_they_go() {
    let kinds = [
        ("ndb", "RECEIPTC_202207.UKE"),
        ("ltc", "i2208a.csv"),
        ("ltc", "nintei_head18.csv"),
        ("ltc", "FORM_0900_2021_1.csv"),
        ("ltc", "SERVICE_USER_INFO_1.csv"),
        ("dpc", "EFn_131234566_2208.txt"),
        ("dpc", "FF1_131234566_2208.txt"),
        ("dpc", "Dn_131234566_2208.txt"),
        ("dpc", "Hn_131234566_2208.txt"),
        ("ehr", "fhir-referral-example.json"),
    ];
    for (source, name) in kinds {
        let world = World::new();
        let bytes = fs::read(fixture(name)).unwrap();
        let cuts = (1..40).map(|part| bytes.len() * part / 40);
        let files: Vec<PathBuf> =
            cuts.enumerate().map(|(at, cut)| world.write(&format!("cut-{at:02}"), &bytes[..cut])).collect();
        let report = run_all(&world, source, &files, "out").unwrap();
        for (file, path) in report.files.iter().zip(&files) {
            let unread = file.sha256.is_empty();
            assert!(unread || file.bytes <= fs::metadata(path).unwrap().len(), "{name} {}", file.file);
        }
        assert!(report.files.iter().any(|file| file.records > 0), "{name}");
    }
}

#[test]
fn the_other_encoding_is_counted_and_nothing_of_it_leaves() {
    let world = World::new();
    let utf8 = |name: &str| {
        let bytes = fs::read(fixture(name)).unwrap();
        encoding_rs::SHIFT_JIS.decode(&bytes).0.into_owned().into_bytes()
    };
    let receipts = world.write("utf8.UKE", &utf8("RECEIPTC_202207.UKE"));
    let report = run_all(&world, "ndb", &[receipts], "ndb").unwrap();
    assert_eq!(report.files[0].passed, 5, "what is written in digits is read");
    assert!(report.count(Reason::IdentifierForm) >= 5, "names in other bytes are no names");
    let care = world.write("utf8.csv", &utf8("nintei_head18.csv"));
    let report = run_all(&world, "ltc", &[care], "ltc").unwrap();
    assert!(
        report.count(Reason::IdentifierForm) + report.quarantined() + report.count(Reason::FileUnknown) > 0
            || report.files[0].passed == 1
    );
    let json = fs::read_to_string(fixture("fhir-referral-example.json")).unwrap();
    let file = world.write("sjis.json", &cp932(&json));
    let report = run_all(&world, "ehr", &[file], "ehr").unwrap();
    assert_eq!((report.quarantined(), report.files[0].passed), (1, 0), "JSON is UTF-8 (RFC 8259, 8.1)");
}

#[test]
fn twice_the_same_file_is_read_once_and_foreign_ones_not_at_all() {
    let world = World::new();
    let bytes = fs::read(fixture("RECEIPTC_202207.UKE")).unwrap();
    let files = [
        world.write("a.UKE", &bytes),
        world.write("b.UKE", &bytes),
        world.write("c.txt", &fs::read(fixture("EFn_131234566_2208.txt")).unwrap()),
        world.write("d.bin", b"\0\0\0"),
    ];
    let report = run_all(&world, "ndb", &files, "out").unwrap();
    assert_eq!((report.tables["ndb.claims"], report.count(Reason::Duplicate)), (5, 0));
    let reasons = [Reason::FileDuplicate, Reason::FileOtherSource, Reason::FileUnknown];
    assert_eq!(reasons.map(|reason| report.count(reason)), [1, 1, 1]);
    assert_eq!(report.files.iter().filter(|file| file.records > 0).count(), 1);
}

#[test]
fn entities_and_document_types_are_not_followed() {
    let world = World::new();
    let one = document(&item("9N001000000000001", "value=\"168.2\""));
    let secret = world.write("secret.txt", "幡鬼".as_bytes());
    let laughs: Vec<String> = (0..40).map(|at| format!("<!ENTITY l{} \"&l{at};&l{at};&l{at};\">", at + 1)).collect();
    let with = |dtd: &str, name: &str| {
        let text = one.replacen("<ClinicalDocument", &format!("{dtd}<ClinicalDocument"), 1);
        text.replace("ヤマダ　タロウ</name>", &format!("&{name};</name>"))
    };
    let external = with(&format!("<!DOCTYPE a [<!ENTITY x SYSTEM \"file://{}\">]>", secret.display()), "x");
    let files = [
        world.write("a.xml", external.as_bytes()),
        world.write(
            "b.xml",
            with(&format!("<!DOCTYPE a [<!ENTITY l0 \"幡鬼\">{}]>", laughs.concat()), "l40").as_bytes(),
        ),
        world.write("c.xml", with("", "unknown").as_bytes()),
        world.write("d.xml", one.as_bytes()),
    ];
    let report = run_all(&world, "ndb", &files, "out").unwrap();
    assert_eq!(report.count(Reason::RecordForm), 2, "a document type is never needed");
    assert_eq!(report.tables["ndb.checkups"], 2);
}

#[test]
fn deep_json_is_put_aside() {
    let world = World::new();
    let deep = |open: &str, close: &str| {
        format!("{{\"resourceType\":\"Bundle\",\"a\":{}1{}}}", open.repeat(10_000), close.repeat(10_000))
    };
    let whole: Value =
        serde_json::from_str(&fs::read_to_string(fixture("fhir-referral-example.json")).unwrap()).unwrap();
    let lines = format!("{whole}\n{}\n{whole}\n{}\n", deep("[", "]"), deep("{\"a\":", "}"));
    let file = world.write("a.ndjson", lines.as_bytes());
    let report = run_all(&world, "ehr", &[file], "out").unwrap();
    assert_eq!((report.files[0].records, report.quarantined()), (4, 2));
    let length = u64::try_from(whole.to_string().len()).unwrap() + 1;
    assert_eq!(aside(&world, "out")[0]["byte"], length);
}

#[test]
fn impossible_dates_and_unknown_codes_leave_a_gap_and_a_count() {
    let world = World::new();
    let text = "IR,1,13,1,1234566,,X,202208,00,\r\nRE,1,1112,202207,X,1,19589999\r\nHO,06131239,,12345,1,100\r\nSY,8833421,20221332,1\r\nSY,1234567,20220701,1\r\nSI,12,1,999999999,,73,1\r\n";
    let file = world.write("a.UKE", text.as_bytes());
    let report = run_all(&world, "ndb", &[file], "out").unwrap();
    assert_eq!(report.files[0].passed, 1);
    assert!(report.count(Reason::CellForm) >= 1 && report.count(Reason::IdentifierForm) >= 1, "{report:?}");
    assert!(report.count(Reason::CodeUnlisted) + report.count(Reason::NoCode) >= 1, "{report:?}");
}

/// Set where a test runs in a process of its own.
pub(super) const ALONE: &str = "SUDARE_TEST_ALONE";

/// Does its work in a process of its own, whose peak of memory is its own.
#[test]
fn long_lines_within_a_process() {
    if std::env::var_os(ALONE).is_none() {
        return;
    }
    let world = World::new();
    let long = |name: &str, head: &[u8], fill: Option<u8>, length: u64, tail: &[u8]| {
        let path = world.write(name, head);
        let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        match fill {
            // A hole reads as zeros and takes no room.
            None => file.set_len(length).unwrap(),
            Some(byte) => (0..length >> 20).for_each(|_| file.write_all(&vec![byte; 1 << 20]).unwrap()),
        }
        file.seek(SeekFrom::End(0)).unwrap();
        file.write_all(tail).unwrap();
        path
    };
    let head = b"IR,1,13,1,1234566,,X,202208,00,\r\nSY,";
    let tail = "\r\nRE,2,1112,202207,佐藤,2,19441102\r\nHO,06131239,,12345,1,100\r\n";
    let zeros = long("zeros.UKE", head, None, 300 << 20, &cp932(tail));
    let letters = long("letters.UKE", head, Some(b'7'), 80 << 20, &cp932(tail));
    let report = run_all(&world, "ndb", &[zeros, letters], "ndb").unwrap();
    assert_eq!((report.count(Reason::RecordLong), report.files[0].passed, report.files[1].passed), (2, 1, 1));
    let one = document(&item("9N001000000000001", "value=\"168.2\""));
    let xml = long("a.xml", one.replace("</ClinicalDocument>", "<text>").as_bytes(), Some(b'x'), 80 << 20, b"</text>");
    let report = run_all(&world, "ndb", &[xml], "xml").unwrap();
    assert_eq!(report.count(Reason::RecordForm), 1, "{report:?}");
    let json = long("a.json", b"{\"resourceType\":\"Bundle\",\"a\":\"", Some(b'x'), 80 << 20, b"\"}\n");
    assert_eq!(run_all(&world, "ehr", &[json], "ehr").unwrap().count(Reason::RecordLong), 1, "{}", line!());
    let items = fs::read(fixture("EFn_131234566_2208.txt")).unwrap();
    let dpc = long("a.txt", &items, None, 80 << 20, b"\r\n");
    assert_eq!(run_all(&world, "dpc", &[dpc], "dpc").unwrap().count(Reason::RecordLong), 1, "{}", line!());
    let life = long("a.csv", &fs::read(fixture("FORM_0900_2021_1.csv")).unwrap(), None, 80 << 20, b"\r\n");
    assert_eq!(run_all(&world, "ltc", &[life], "ltc").unwrap().count(Reason::RecordLong), 1, "{}", line!());
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches("kB").trim().parse().unwrap();
    assert!(peak < 256 * 1024, "{peak} kB of memory for a file of a few short records");
}

#[test]
fn a_line_of_hundreds_of_megabytes_does_not_fill_the_memory() {
    let own = std::env::current_exe().unwrap();
    let child = Command::new(own)
        .args(["--exact", "job::tests::harm::long_lines_within_a_process", "--test-threads", "1"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert!(String::from_utf8_lossy(&child.stdout).contains("1 passed"));
}
