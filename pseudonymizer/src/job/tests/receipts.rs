//! 医科 receipts: the samples' five persons.

use jiff::civil::date;

use super::*;

const RECEIPTS: [&str; 3] = ["RECEIPTC_200910_wareki.UKE", "RECEIPTC_202207.UKE", "RECEIPTC_202209.UKE"];

#[test]
fn receipts_of_one_person_share_tokens_and_twins_do_not() {
    let world = World::new();
    let batch = world.run("ndb", &RECEIPTS);
    assert_eq!(batch.report.tables["ndb.claims"], 10);
    let months = batch.days("ndb.claims", "service_month");
    let ages = batch.ints("ndb.claims", "age");
    // A batch has its rows in no order.
    let row = |month: jiff::civil::Date, age: i32, nth: usize| {
        let is = |row: &usize| (months[*row], ages[*row]) == (Some(catalog::codes::days(month)), Some(age));
        (0..10).filter(is).nth(nth).expect("era and western dates are read")
    };
    let (then, july, september) = (date(2009, 10, 1), date(2022, 7, 1), date(2022, 9, 1));
    // 0 P1, 1 P2 (2009); 2 P1, 3 P2, 4 P3, 5 P4, 6 P5 (2022-07); 7 P1, 8 P3, 9 P2 (2022-09).
    let first = [row(then, 51, 0), row(then, 64, 0), row(july, 64, 0), row(july, 77, 0), row(july, 42, 0)];
    let last = [row(july, 6, 0), row(july, 6, 1), row(september, 64, 0), row(september, 43, 0), row(september, 77, 0)];
    let rows = [first, last].concat();
    let token = |row: usize, kind: &str| batch.token_of("ndb.claims", rows[row], kind);
    let same = |a: usize, b: usize, kind: &str| token(a, kind).is_some() && token(a, kind) == token(b, kind);
    assert!(same(2, 7, "a1") && same(2, 7, "a3") && same(2, 7, "b1"), "P1 after folding of widths");
    assert!(!same(4, 8, "a1") && same(4, 8, "a3") && same(4, 8, "b2"), "P3: a lost zero, a variant of a kanji");
    assert!(same(3, 9, "a3") && token(3, "a1").is_none(), "P2: a lost zero, no branch among the late elderly");
    assert!(same(0, 2, "b2") && token(0, "b1").is_none() && same(1, 3, "b2"), "the wareki file joins by name only");
    assert!(token(0, "a1").is_none() && same(0, 2, "a3"), "no branch before 2021-09");
    assert!(!same(1, 3, "a3"), "another insurer");
    assert!(!same(5, 6, "a1") && !same(5, 6, "b1") && !same(5, 6, "b2") && same(5, 6, "a3"), "twins");
    assert!(same(2, 7, "d1") && token(2, "d1") != token(3, "d1"));
}

#[test]
fn receipts_become_rows() {
    let world = World::new();
    let batch = world.run("ndb", &["RECEIPTC_202207.UKE"]);
    assert_eq!(batch.text("ndb.claims", "facility_code"), vec!["1311234566"; 5]);
    let sorted = |table: &str, column: &str| {
        let mut values = batch.text(table, column);
        values.sort();
        values
    };
    assert!(batch.text("ndb.claims", "insurer_code").contains(&"00138990".to_owned()));
    assert_eq!(sorted("ndb.claims", "insurer_type"), ["late_elderly", "national", "union", "union", "union"]);
    let mut points = batch.ints("ndb.claims", "points");
    points.sort();
    assert_eq!(points, [73, 149, 288, 288, 288].map(Some));
    assert_eq!(batch.text("ndb.claims", "setting"), vec!["outpatient"; 5]);
    let codes = ["0000999", "2500015", "4871001", "4871001", "8833421", "8833421"];
    assert_eq!(sorted("ndb.diagnoses", "disease_code"), codes);
    let icd10 = sorted("ndb.diagnoses", "icd10");
    assert!(icd10.contains(&"I10".to_owned()) && icd10.contains(&"E119".to_owned()));
    let suspected = batch.tables["ndb.diagnoses"].column_by_name("suspected").unwrap().as_boolean().clone();
    assert_eq!(suspected.true_count(), 2);
    let acts: Vec<_> =
        batch.ints("ndb.procedures", "times").into_iter().zip(batch.days("ndb.procedures", "performed_on")).collect();
    assert!(acts.contains(&(Some(2), Some(catalog::codes::days(date(2022, 7, 5))))), "the first of its days");
    assert_eq!(batch.text("ndb.drugs", "yj_code"), ["2171022F2025"]);
    assert_eq!(batch.ints("ndb.drugs", "days_supply"), [Some(1)]);
    assert_eq!(batch.numbers("ndb.drugs", "quantity"), [Some(1.0)]);
    assert_eq!(batch.report.tables["person"], 5);
    let homes: HashSet<String> = batch.text("person", "prefecture").into_iter().collect();
    assert_eq!(homes, HashSet::from(["-".to_owned(), "13".to_owned()]));
    assert_eq!(batch.report.count(Reason::RecordUncarried), 15, "JD, MF and CO of five receipts");
    assert_eq!(batch.report.quarantined(), 0);
}

#[test]
fn nothing_that_names_a_person_leaves() {
    let world = World::new();
    let batch = world.run("ndb", &RECEIPTS);
    let leaving = batch.leaving(&world);
    let secrets = [
        "山田",
        "太郎",
        "佐藤",
        "渡邊",
        "渡辺",
        "ヤマダ",
        "ﾔﾏﾀﾞ",
        "サトウ",
        "０９０",
        "長女",
        "一子",
        "右上腹部",
        "架空第一",
        "CH001",
        "４５６７",
        "01234567",
        "99999999990",
        "03-0000",
        "埼１００",
        "埼100",
    ];
    for secret in secrets {
        assert_eq!(count_in(&leaving, secret), 0, "{secret}");
    }
    assert!(count_in(&leaving, "8833421") > 0, "the search would find what is there");
    let ltc = world.run("ltc", &["i2208a.csv", "nintei_head18.csv"]);
    let leaving = ltc.leaving(&world);
    for secret in ["ｻﾄｳ", "ハナコ", "佐藤", "0000123456", "150-0002", "架空区", "03-0000-0001", "1370100019"]
    {
        assert_eq!(count_in(&leaving, secret), 0, "{secret}");
    }
}

#[test]
fn the_same_receipt_twice_counts_once_and_broken_ones_are_put_aside() {
    let world = World::new();
    let good = fs::read(fixture("RECEIPTC_202207.UKE")).unwrap();
    let mut bad = good.clone();
    let head = b"IR,1,13,1,1234566,,X,202208,00,\r\nRE,1,1112,2022AA,X,1,19580314\r\nSY,8833421\r\nRE,2,1112,202207,X,1,19580314\r\n\
                 HO,06131239,,1,1,1\r\nSY,ABCDEFG,20220101\r\nZZ,0900000000\r\nTI,1\r\nTR,1\r\nSY,8833421,,1\r\nGO,7,0,99\r\n\
                 IR,1,99,1,1234566,,X,202208,00,\r\nRE,1,1112,202207,X,1,19580314\r\n";
    bad.extend_from_slice(head);
    let files = [world.write("a.UKE", &good), world.write("b.UKE", &bad)];
    let batch = world.batch("ndb", &files, "out");
    let report = &batch.report;
    assert_eq!(report.count(Reason::NoDate), 1);
    assert_eq!(report.count(Reason::NoCode), 1);
    assert_eq!(report.count(Reason::RecordUnknown), 1);
    assert_eq!(report.count(Reason::Donor), 3);
    assert_eq!(report.count(Reason::FileTotals), 1);
    assert_eq!(report.count(Reason::FileFrame), 1);
    assert_eq!(report.count(Reason::NoFacility), 2);
    assert_eq!(report.quarantined(), 5);
    let list = fs::read_to_string(batch.folder.join("quarantine/2.jsonl")).unwrap();
    assert_eq!(list.lines().count(), 5);
    assert!(!list.contains("2022AA") && list.contains("record/no-code"));
    let files = fs::read_dir(batch.folder.join("quarantine")).unwrap().flatten();
    let sealed = files.map(|file| file.path()).find(|path| path.extension().is_some_and(|end| end == "age")).unwrap();
    assert!(seal::open(&sealed, &world.enclave.seal().unwrap()).is_err());
    let mut aside = String::new();
    seal::open(&sealed, &world.holder.seal().unwrap()).unwrap().read_to_string(&mut aside).unwrap();
    assert!(aside.contains("2022AA"));
    assert_eq!(report.tables["ndb.claims"], 6);
    assert_eq!(report.count(Reason::Duplicate), 5);
}

#[test]
fn a_batch_is_signed_marked_and_never_overwritten() {
    let world = World::new();
    let batch = world.run("ndb", &["RECEIPTC_202207.UKE"]);
    let marker: serde_json::Value =
        serde_json::from_slice(&fs::read(batch.folder.join("batch.json")).unwrap()).unwrap();
    assert_eq!(marker["source"], "ndb");
    let metadata = batch.tokens.schema().metadata().clone();
    assert_eq!(metadata["sudare.batch"], marker["batch"].as_str().unwrap());
    assert_eq!(metadata["sudare.epoch"], world.holder.bytes("epoch").unwrap().fingerprint());
    assert!(metadata["sudare.release_to"].starts_with("age1"));
    let signature = fs::read_to_string(batch.folder.join("tokens/tokens.sig")).unwrap();
    let (signature, key) = signature.trim().split_once(' ').unwrap();
    let key = policies::keys::VerifyingKey::from_hex(key).unwrap();
    let digest = catalog::manifest::digest(&batch.folder.join("tokens/tokens.arrow.age")).unwrap().1;
    assert!(key.verify(&hex::decode(digest).unwrap(), &hex::decode(signature).unwrap()));
    let again = world.try_run("ndb", &[fixture("RECEIPTC_202207.UKE")], "ndb").unwrap();
    assert!(again.unchanged && again.batch == marker["batch"].as_str().unwrap());
    let other = world.try_run("ndb", &[fixture("RECEIPTC_202209.UKE")], "ndb");
    assert!(matches!(other, Err(PseudonymizeError::Exists { .. })));
    let none = world.try_run("dpc", &[fixture("RECEIPTC_202207.UKE")], "dpc");
    assert!(matches!(none, Err(PseudonymizeError::Nothing { files: 1, .. })));
    assert!(!world.dir.path().join("dpc").exists() && !world.dir.path().join("dpc.partial").exists());
}

#[test]
fn files_of_other_sources_are_left_unread() {
    let world = World::new();
    let batch = world.run("ltc", &["i2208a.csv", "truth.tsv", "RECEIPTC_202207.UKE"]);
    assert_eq!(batch.report.count(Reason::FileUnknown), 1);
    assert_eq!(batch.report.count(Reason::FileOtherSource), 1);
    assert_eq!(batch.report.files.len(), 3);
}

/// A file of one receipt each: institution, claim month, then the receipt's lines.
fn claimed(month: &str, lines: &str) -> Vec<u8> {
    format!("IR,1,13,1,1234566,,X,{month},00,\r\n{lines}GO,1,0,99\r\n").into_bytes()
}

const RECEIPT: &str = "RE,1,1112,202207,X,1,19580314,,,,,,,C1\r\nHO,06131239,12,34,1,";

#[test]
fn a_later_claim_corrects_and_a_return_takes_away() {
    let world = World::new();
    let first = world.write("1.UKE", &claimed("202208", &format!("{RECEIPT}100\r\n")));
    let later = world.write("2.UKE", &claimed("202210", &format!("{RECEIPT}250\r\n")));
    let renumbered =
        format!("{RECEIPT}250\r\n").replace("RE,1,", "RE,7,").replace(",C1", ",C1,,,,,99999999990000001,,memo");
    let again = world.write("3.UKE", &claimed("202210", &renumbered));
    let two = format!("{RECEIPT}250\r\n{}300\r\n", RECEIPT.replace("RE,1,", "RE,2,"));
    let beside = world.write("4.UKE", &claimed("202210", &two));
    let returned = world.write("5.UKE", &claimed("202209", &format!("{RECEIPT}100\r\nHR,01,memo\r\n")));
    let files = |names: &[&PathBuf]| names.iter().map(|path| (*path).clone()).collect::<Vec<_>>();
    for (name, files, points) in [
        ("corrected", files(&[&first, &later]), vec![Some(250)]),
        ("the order of the files does not matter", files(&[&later, &first]), vec![Some(250)]),
        ("the same once more", files(&[&later, &again]), vec![Some(250)]),
        ("beside each other", files(&[&first, &beside]), vec![Some(250), Some(300)]),
        ("returned and claimed again", files(&[&first, &returned, &later]), vec![Some(250)]),
    ] {
        let batch = world.batch("ndb", &files, name);
        let mut stands = batch.ints("ndb.claims", "points");
        stands.sort();
        assert_eq!(stands, points, "{name}");
    }
    let report = world.try_run("ndb", &files(&[&first, &returned]), "returned").unwrap();
    assert_eq!(report.tables.get("ndb.claims").copied().unwrap_or(0), 0);
}

#[test]
fn what_the_payer_verified_stands_in_the_place_of_what_was_written() {
    let world = World::new();
    let receipts = "RE,1,1112,202207,X,1,19580314\r\nHO,06131239,12,34,1,100\r\nSN,2,01,,,,77,0000001,\r\nSN,1,04,  138057,98,76,05,,\r\n\
                    RE,2,1112,202207,X,1,19580314\r\nHO,  138057,98,76,1,200\r\nSN,1,01,,,,05,,\r\n";
    let path = world.write("a.UKE", &claimed("202208", receipts));
    let batch = world.batch("ndb", &[path], "out");
    assert_eq!(batch.text("ndb.claims", "insurer_code"), ["00138057", "00138057"]);
    assert_eq!((batch.report.tables["ndb.claims"], batch.report.atoms), (2, 1), "one set of identifiers");
    assert_eq!(batch.report.count(Reason::FileTotals), 1);
}

#[test]
fn a_group_gives_its_class_to_ninety_eight_records_and_no_more() {
    let world = World::new();
    let mut lines = "RE,1,1112,202207,X,1,19580314\r\nHO,06131239,12,34,1,100\r\nSI,60,1,160000310,,,1\r\n".to_owned();
    lines.push_str(&"SI,,1,160000310,,,1\r\n".repeat(100));
    lines.push_str("SI,70,1,160000310,,9,1\r\nSI,,1,160000310,,,1\r\n");
    let path = world.write("a.UKE", &claimed("202208", &lines));
    let batch = world.batch("ndb", &[path], "out");
    let sections = batch.text("ndb.procedures", "section");
    let count = |section: &str| sections.iter().filter(|one| *one == section).count();
    assert_eq!((count("60"), count("-"), count("70")), (99, 2, 2));
    assert_eq!(batch.report.count(Reason::RecordOrder), 1);
}

#[test]
fn the_official_checks_are_counted_and_change_nothing() {
    let world = World::new();
    let days = |day: usize, count: &str| format!("{}{count}", ",".repeat(day));
    let second = format!("SI,60,1,160000310,,21,2,,,,,,{}\r\n", days(5, "1"));
    let third = format!("SI,60,1,160000310,,21,1,,,,,,{}\r\n", days(31, "1"));
    let text = format!(
        "IR,1,13,1,1234566,,X,202204,00,\r\n\
         RE,1,1112,202206,X,1,20230101\r\nSN,1,01,,,,,,\r\nHO,06131238,12,34,31,100\r\nHO,06131239,12,34,1,100\r\n{second}{third}\
         RE,5,1112,202206,X,1,18990101\r\nHO,06131239,12,34,1,100\r\n"
    );
    let path = world.write("a.UKE", text.as_bytes());
    let batch = world.batch("ndb", &[path], "out");
    let report = &batch.report;
    assert_eq!(report.quarantined(), 0);
    assert_eq!(report.tables["ndb.claims"], 2);
    assert_eq!(batch.ints("ndb.procedures", "times").len(), 2);
    assert_eq!(report.count(Reason::FileFrame), 1, "no GO");
    // HO behind SN, two HO, and 5 behind 1.
    assert_eq!(report.count(Reason::RecordOrder), 3);
    // 31 days of June and a claim before the care, the same claim month again, 2 against a sum of 1, June 31.
    assert_eq!(report.count(Reason::CellImplausible), 4);
    assert_eq!(report.count(Reason::IdentifierForm), 2, "born after the care, and 123 years before it");
    assert_eq!(report.count(Reason::CheckDigit), 1);
    assert_eq!(batch.ints("ndb.claims", "age"), [None, None]);
}

#[test]
fn home_nursing_and_other_kinds_are_put_aside_whole() {
    let world = World::new();
    let text = "IR,1,13,6,1234566,,X,202208,00,\r\nRE,1,6112,202207,X,1,19580314\r\nHO,06131239,12,34,1,100\r\nXX,1\r\nGO,1,0,99\r\n\
                IR,1,13,1,1234566,,X,202208,00,\r\nRE,1,3112,202207,X,1,19580314\r\nGO,1,0,99\r\n";
    let path = world.write("a.UKE", text.as_bytes());
    let report = world.try_run("ndb", &[path, fixture("RECEIPTC_202207.UKE")], "out").unwrap();
    assert_eq!((report.count(Reason::ReceiptKind), report.quarantined()), (2, 2));
    assert_eq!(report.tables["ndb.claims"], 5);
}
