//! Whole files of DPC and 調剤 with every record type of formats.md, 2 and 4, and with what the payers' side adds.

use super::*;

#[test]
fn all_records_of_dpc_are_read_or_counted() {
    let world = World::new();
    let batch = ndb::batch(&world, &[fixture("RECEIPTD_202208.UKE")], "out");
    let report = &batch.report;
    assert_eq!((report.files[0].passed, report.quarantined()), (2, 0));
    // MN, JD, KK, SK, GA, HH, GT, CO, a comment among the CD, SJ, KH; GR of the second receipt.
    assert_eq!(report.count(Reason::RecordUncarried), 12);
    assert_eq!(report.count(Reason::Donor), 4);
    for fine in [Reason::FileFrame, Reason::FileTotals, Reason::RecordOrder, Reason::CellImplausible, Reason::CellForm]
    {
        assert_eq!(report.count(fine), 0, "{fine:?}");
    }
    let rows = |table: &str| report.tables[table];
    assert_eq!((rows("ndb.claims"), rows("ndb.public_expenses"), rows("ndb.diagnoses")), (2, 1, 3));
    assert_eq!((rows("ndb.procedures"), rows("ndb.drugs"), rows("ndb.materials")), (3, 2, 2));
    let kinds: HashSet<String> = batch.text("ndb.claims", "claim_type").into_iter().collect();
    assert_eq!(kinds, HashSet::from(["dpc".to_owned(), "medical".to_owned()]), "without BU it is a medical receipt");
    let wards = batch.text("ndb.procedures", "procedure_code");
    assert!(wards.contains(&"190610000".to_owned()) && !wards.contains(&"190610001".to_owned()));
    let leaving = batch.leaving(&world);
    for secret in [
        "架空",
        "山田",
        "佐藤",
        "ヤマダ",
        "サトウ",
        "長女",
        "患者メモ",
        "国保連の",
        "7654321",
        "54136015",
        "1.2345",
        "K920",
        "830000002",
        "0000001001",
        "19700101",
    ] {
        assert_eq!(count_in(&leaving, secret), 0, "{secret}");
    }
}

#[test]
fn all_records_of_a_pharmacy_are_read_or_counted() {
    let world = World::new();
    let batch = ndb::batch(&world, &[fixture("RECEIPTY_202207.UKE")], "out");
    let report = &batch.report;
    assert_eq!((report.files[0].passed, report.quarantined()), (1, 0));
    assert_eq!(report.count(Reason::RecordUncarried), 3, "CO, TK and KI");
    assert_eq!(report.count(Reason::CellForm), 0);
    let times: HashSet<Option<i32>> = batch.ints("ndb.drugs", "times").into_iter().collect();
    assert_eq!(times, HashSet::from([Some(2), Some(14)]));
    assert_eq!(batch.ints("ndb.materials", "times"), [Some(14)]);
    let days: HashSet<Option<i32>> = batch.days("ndb.drugs", "dispensed_on").into_iter().collect();
    assert_eq!(
        days,
        HashSet::from([Some(catalog::codes::days(jiff::civil::date(2022, 7, 6)))]),
        "a day alone is of the month"
    );
    let leaving = batch.leaving(&world);
    for secret in ["架空", "医師", "次郎", "13-99887", "9876543210", "家族", "電話", "患者メモ", "440000110"]
    {
        assert_eq!(count_in(&leaving, secret), 0, "{secret}");
    }
}

#[test]
fn records_of_the_payers_side_are_dropped_wherever_they_stand() {
    let world = World::new();
    let clean = "RE,1,1112,202207,X,1,19580314\r\nHO,06131239,,12,1,100\r\nSY,8833421,20150410,1\r\n";
    let text = format!(
        "IR,1,13,1,1234566,,X,202208,00,\r\nRC,1\r\nMN,1\r\n{clean}JY,1,x\r\nEX,1\r\nMD,1\r\nRT,1\r\nMK,1\r\nJR,1\r\nKH,x\r\nNI,1\r\nGO,1,100,99\r\n"
    );
    let path = world.write("a.UKE", text.as_bytes());
    let batch = ndb::batch(&world, &[path], "out");
    assert_eq!(batch.report.count(Reason::RecordUncarried), 10);
    assert_eq!((batch.report.files[0].passed, batch.report.quarantined()), (1, 0));
    assert_eq!(batch.text("ndb.diagnoses", "icd10"), ["I10"]);
}
