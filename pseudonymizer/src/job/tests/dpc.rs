//! The DPC survey: 様式1, EF, D and H.

use super::care::{cp932, make, make_of};
use super::*;

const SURVEY: [&str; 4] =
    ["EFn_131234566_2208.txt", "FF1_131234566_2208.txt", "Hn_131234566_2208.txt", "Dn_131234566_2208.txt"];

#[test]
fn a_stay_has_its_diagnoses_and_items() {
    let world = World::new();
    let made = make(&world, None, "dpc", &SURVEY.map(fixture));
    assert_eq!(made.column("dpc.stays.facility_id"), ["1311234566"]);
    assert_eq!(made.column("dpc.stays.age"), ["64"]);
    assert_eq!(made.column("dpc.stays.discharged_on"), ["2022-08-09"]);
    assert_eq!(made.column("dpc.stays.main_icd10"), ["I10"]);
    assert_eq!(made.column("dpc.stays.outcome"), ["remission"]);
    assert_eq!(made.column("dpc.stays.height_cm"), ["168.0"]);
    assert_eq!(made.column("dpc.diagnoses.role"), ["main", "resource"]);
    assert_eq!(made.column("dpc.items.item_code"), ["160010010"]);
    assert_eq!(made.column("dpc.items.points"), ["49"]);
    assert_eq!(made.column("dpc.items.stay_id"), made.column("dpc.stays.stay_id"));
    assert_eq!(made.column("facility.dpc"), ["true"]);
    assert_eq!(made.quarantined(), 0);
}

#[test]
fn days_have_their_scores() {
    let world = World::new();
    let made = make(&world, None, "dpc", &SURVEY.map(fixture));
    let scores = made.rows("dpc.nursing_need", &["assessed_on", "a_score", "b_score", "c_score"]);
    // 寝返り 1, and 衣服の着脱 1 with help, which the last payload says.
    assert_eq!(scores, ["2022-08-01 1 2 -", "2022-08-02 1 2 -"]);
    assert_eq!(made.count(Reason::RecordUncarried), 3, "two targets of H, a bundled act of D");
    let stays = made.column("dpc.stays.stay_id");
    assert!(made.column("dpc.nursing_need.stay_id").iter().all(|stay| *stay == stays[0]));
}

#[test]
fn acts_add_up_and_the_classification_arrives() {
    let world = World::new();
    let made = make(&world, None, "dpc", &SURVEY.map(fixture));
    assert_eq!(made.column("dpc.stays.points"), ["49"]);
    assert_eq!(made.column("dpc.stays.dpc_code"), ["10007xxxxxx1xx"]);
    // All files name the patient by institution and chart number.
    assert_eq!(made.atoms(&["dpc.stays", "dpc.items", "dpc.nursing_need", "person"]).len(), 1);
}

#[test]
fn nothing_that_names_a_person_leaves_the_survey() {
    let world = World::new();
    let batch = world.run("dpc", &SURVEY);
    let leaving = batch.leaving(&world);
    for secret in ["0000001001", "本態性", "D000012345", "W3E", "LOC0001", "1000001", "06131239", "1.4321"] {
        assert_eq!(count_in(&leaving, secret), 0, "{secret}");
    }
}

#[test]
fn the_chart_number_joins_stays_and_claims_whatever_its_zeros() {
    let world = World::new();
    let receipts = fs::read(fixture("RECEIPTC_202207.UKE")).unwrap();
    let at = memchr::memmem::find(&receipts, b"CH001001").unwrap();
    let mut changed = receipts.clone();
    changed[at..at + 8].copy_from_slice(b"00001001");
    let dpc = make(&world, None, "dpc", &[fixture("FF1_131234566_2208.txt")]).tokens();
    let joined = |receipts: &[u8]| {
        let ndb = make_of(&world, "ndb", &[("a.UKE", receipts)]).tokens();
        dpc.iter().filter(|token| ndb.contains(token)).count()
    };
    assert_eq!((dpc.len(), joined(&changed), joined(&receipts)), (1, 1, 0));
}

#[test]
fn items_without_a_code_or_a_stay_are_put_aside() {
    let world = World::new();
    let head = "131234566\t0000001001\t20220801\t1\t0";
    let text = format!(
        "{head}\tA000010\t20220401\t0\t19580314\t1\t1000001\r\n{head}\tZZZ0010\t20990401\t0\tx\ty\r\n\
         {head}\tA006010\t20220401\t0\t\tYAMADA\t\t\t\t\t\t\tname\r\n{head}\tM050010\t20220401\t0\t\t3\r\n\
         {head}\tCAN0020\t20220401\t0\t\t\t2\t1\t0\t8\r\n{head}\tMzz0010\t20220401\t0\t\t7\t\t\t\t\t\t\t山田\r\n\
         {head}\tA007010\t20220401\t1\t20220802\tK6153\t\t1\r\n12\tbroken\r\n"
    );
    let made = make_of(&world, "dpc", &[("FF1_1.txt", &cp932(&text))]);
    assert_eq!(
        (made.count(Reason::RecordUnknown), made.count(Reason::NoCode), made.count(Reason::NoFacility)),
        (1, 1, 1)
    );
    assert_eq!(
        made.rows("dpc.form1", &["item", "value_code", "value"]),
        ["CAN0020-3 2 2.0", "CAN0020-4 1 1.0", "CAN0020-5 0 0.0", "CAN0020-6 8 8.0", "M050010 3 3.0", "Mzz0010 7 7.0"]
    );
    assert_eq!(made.column("dpc.procedures.k_code"), ["K6153"]);
    assert_eq!(made.column("dpc.stays.points"), ["-"]);
}

#[test]
fn rows_without_a_stay_do_not_stand() {
    let world = World::new();
    let other = |name: &str| {
        let text = String::from_utf8_lossy(&fs::read(fixture(name)).unwrap()).replace("0000001001", "0000009999");
        text.into_bytes()
    };
    let form1 = fs::read(fixture("FF1_131234566_2208.txt")).unwrap();
    let (items, nursing) = (other("EFn_131234566_2208.txt"), other("Hn_131234566_2208.txt"));
    let made = make_of(&world, "dpc", &[("FF1.txt", &form1), ("EFn.txt", &items), ("Hn.txt", &nursing)]);
    assert_eq!(made.column("dpc.items.item_code").len() + made.column("dpc.nursing_need.stay_id").len(), 0);
    assert_eq!(made.count(Reason::RecordOrphan), 3);
    assert_eq!(made.column("dpc.stays.points"), ["-"]);
}

#[test]
fn a_stay_that_a_file_tells_twice_counts_once() {
    let world = World::new();
    let form1 = fs::read(fixture("FF1_131234566_2208.txt")).unwrap();
    let other = String::from_utf8_lossy(&form1).replace("0000001001", "0000001002").into_bytes();
    let made = make_of(&world, "dpc", &[("FF1.txt", &[&form1[..], &other, &form1].concat())]);
    assert_eq!(made.column("dpc.stays.age"), ["64", "64"]);
    assert_eq!((made.column("dpc.diagnoses.icd10").len(), made.count(Reason::Duplicate)), (4, 1));
}

#[test]
fn a_stay_that_a_later_file_tells_again_is_replaced() {
    let world = World::new();
    let form1 = fs::read(fixture("FF1_131234566_2208.txt")).unwrap();
    let smoker = b"131234566\t0000001001\t20220801\t1\t0\tA001020\t20220401\t0\t\t400\r\n";
    let made = make_of(&world, "dpc", &[("1.txt", &form1), ("2.txt", &[&form1[..], smoker].concat())]);
    assert_eq!(made.rows("dpc.stays", &["age", "smoking_index"]), ["64 400"]);
    assert_eq!(made.column("dpc.diagnoses.icd10").len(), 2);
}

#[test]
fn impossible_orders_are_counted_and_kept() {
    let world = World::new();
    let head = "131234566\t0000001001\t20220801\t1\t0";
    let text = format!(
        "{head}\tA000010\t20220401\t0\t20250314\t1\t1000001\r\n{head}\tA000010\t20220401\t0\t20250314\t1\t1000001\r\n\
         {head}\tA000030\t20220401\t0\t20220731\t3\r\n"
    );
    let items =
        String::from_utf8_lossy(&fs::read(fixture("EFn_131234566_2208.txt")).unwrap()).replace("20220802", "20220810");
    let made = make_of(&world, "dpc", &[("FF1.txt", text.as_bytes()), ("EFn.txt", items.as_bytes())]);
    assert_eq!(made.count(Reason::DateOrder), 4, "two births, a discharge, an act behind the stay");
    assert_eq!(made.count(Reason::Duplicate), 1, "a stay has one patient");
    assert_eq!(made.column("dpc.stays.discharged_on"), ["2022-07-31"]);
}

#[test]
fn files_that_fill_no_column_are_counted() {
    let world = World::new();
    let stay = "131234566\t0000001001\t20220801\t20220809\t1\r\n";
    let ids = "131234566\t202208\t0000001001\tabcdef0123456789\r\n";
    let form1 = fs::read(fixture("FF1_131234566_2208.txt")).unwrap();
    let made = make_of(&world, "dpc", &[("FF1.txt", &form1), ("FF4.txt", stay.as_bytes()), ("Kn.txt", ids.as_bytes())]);
    assert_eq!(made.count(Reason::RecordUncarried), 2);
    assert_eq!(made.count(Reason::FileUnknown), 0);
}
