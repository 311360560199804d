//! 様式1 and EF.

use jiff::civil::date;

use super::*;

#[test]
fn a_stay_has_its_diagnoses_items_and_points() {
    let world = World::new();
    let batch = world.run("dpc", &["EFn_131234566_2208.txt", "FF1_131234566_2208.txt"]);
    assert_eq!(batch.text("dpc.stays", "facility_code"), ["1311234566"]);
    assert_eq!(batch.ints("dpc.stays", "age"), [Some(64)]);
    assert_eq!(batch.days("dpc.stays", "discharged_on"), [Some(catalog::codes::days(date(2022, 8, 9)))]);
    assert_eq!(batch.text("dpc.stays", "main_icd10"), ["I10"]);
    assert_eq!(batch.text("dpc.stays", "outcome"), ["remission"]);
    assert_eq!(batch.numbers("dpc.stays", "height_cm"), [Some(168.0)]);
    assert_eq!(batch.ints("dpc.stays", "points"), [Some(49)]);
    assert_eq!(batch.text("dpc.diagnoses", "role"), ["main", "resource"]);
    assert_eq!(batch.text("dpc.items", "item_code"), ["160010010"]);
    assert_eq!(batch.ints("dpc.items", "points"), [Some(49)]);
    assert_eq!(batch.atoms("dpc.items"), batch.atoms("dpc.stays"));
    assert_eq!(batch.tokens("d1").len(), 1);
    assert_eq!(batch.report.quarantined(), 0);
    let dpc = batch.tables["facility"].column_by_name("dpc").unwrap().as_boolean().clone();
    assert!(dpc.value(0));
    let leaving = batch.leaving(&world);
    for secret in ["0000001001", "本態性", "D000012345", "W3E", "LOC0001", "1000001"] {
        assert_eq!(count_in(&leaving, secret), 0, "{secret}");
    }
}

#[test]
fn the_chart_number_joins_stays_and_claims_whatever_its_zeros() {
    let world = World::new();
    let receipts = fs::read(fixture("RECEIPTC_202207.UKE")).unwrap();
    let renamed = String::from_utf8_lossy(b"CH001001").into_owned();
    let at = memchr::memmem::find(&receipts, renamed.as_bytes()).unwrap();
    let mut changed = receipts[..at].to_vec();
    changed.extend_from_slice(b"00001001");
    changed.extend_from_slice(&receipts[at + 8..]);
    let path = world.write("a.UKE", &changed);
    let ndb = world.batch("ndb", &[path], "ndb");
    let dpc = world.run("dpc", &["FF1_131234566_2208.txt"]);
    let token = dpc.token_of("dpc.stays", 0, "d1");
    assert!(token.is_some() && token == ndb.token_of("ndb.claims", 0, "d1"));
}

#[test]
fn rows_without_a_stay_and_unknown_items_are_put_aside() {
    let world = World::new();
    let head = "131234566\t0000001001\t20220801\t1\t0";
    let text = format!(
        "{head}\tA000010\t20220401\t0\t19580314\t1\t1000001\r\n{head}\tZZZ0010\t20990401\t0\tx\ty\r\n\
         {head}\tA006010\t20220401\t0\t\tYAMADA\t\t\t\t\t\t\tname\r\n{head}\tM050010\t20220401\t0\t\t3\r\n\
         {head}\tA007010\t20220401\t1\t20220802\tK6153\t\t1\r\n12\tbroken\r\n"
    );
    let form1 = world.write("FF1_1.txt", text.as_bytes());
    let other = String::from_utf8_lossy(&fs::read(fixture("EFn_131234566_2208.txt")).unwrap())
        .replace("0000001001", "0000009999");
    let items = world.write("EFn_1.txt", other.as_bytes());
    let batch = world.batch("dpc", &[form1, items], "out");
    assert_eq!(batch.report.count(Reason::RecordOrphan), 2);
    assert_eq!(batch.report.count(Reason::RecordUnknown), 1);
    assert_eq!(batch.report.count(Reason::NoCode), 1);
    assert_eq!(batch.report.count(Reason::NoFacility), 1);
    assert_eq!(batch.text("dpc.form1", "item"), ["M050010"]);
    assert_eq!(batch.text("dpc.form1", "value_code"), ["3"]);
    assert_eq!(batch.text("dpc.procedures", "k_code"), ["K6153"]);
    assert_eq!(batch.ints("dpc.stays", "points"), [None]);
}
