//! 調剤 and DPC receipts.

use jiff::civil::date;

use super::*;

/// A row of so many cells with some of them filled; positions from 1.
fn record(width: usize, cells: &[(usize, &str)]) -> String {
    let mut row = vec![""; width];
    for (place, cell) in cells {
        row[place - 1] = cell;
    }
    format!("{}\r\n", row.join(","))
}

fn cp932(text: &str) -> Vec<u8> {
    encoding_rs::SHIFT_JIS.encode(text).0.into_owned()
}

#[test]
fn a_pharmacy_receipt_names_its_prescriber_and_its_drugs() {
    let world = World::new();
    let person = [(1, "RE"), (2, "1"), (3, "4112"), (4, "202207"), (5, "山田　太郎"), (6, "1"), (7, "19580314")];
    let place = [(10, "13"), (11, "1"), (12, "1234566"), (13, "架空"), (15, "医師　花子"), (36, "9876543210")];
    let text = [
        "YK,1,13,4,7654321,,202208,00,\r\n".to_owned(),
        record(42, &[&person[..], &place[..], &[(42, "ヤマダタロウ")]].concat()),
        "HO,06131239,１２３,４５６７,1,500,,,,300,,,,\r\n".to_owned(),
        "SN,1,01,,,,00,,\r\n".to_owned(),
        "SH,1,1,,一日一回家族が管理,,,,,\r\n".to_owned(),
        "CZ,1,20220705,20220706,1,14,1,,,410000210,24\r\n".to_owned(),
        "IY,1,620007818,1,,,,,,\r\n".to_owned(),
        "SH,2,5,,,,,,,\r\n".to_owned(),
        "CZ,1,20220705,20220706,1,2,1,,,410000310,10\r\n".to_owned(),
        "IY,1,620002478,20.5,,,,,,\r\n".to_owned(),
        "GO,1,500,99\r\n\x1a".to_owned(),
    ];
    let path = world.write("RECEIPTY.UKE", &cp932(&text.concat()));
    let batch = world.batch("ndb", &[path], "out");
    assert_eq!(batch.text("ndb.claims", "claim_type"), ["pharmacy"]);
    assert_eq!(batch.text("ndb.claims", "facility_code"), ["1347654321"]);
    assert_eq!(batch.text("ndb.claims", "prescriber_facility_code"), ["1311234566"]);
    assert_eq!(batch.ints("ndb.claims", "copay"), [Some(300)]);
    let quantities = batch.numbers("ndb.drugs", "quantity");
    let [tablets, ointment] = [1.0, 20.5].map(|dose| quantities.iter().position(|one| *one == Some(dose)).unwrap());
    for (column, expected) in [("times", [Some(14), Some(2)]), ("days_supply", [Some(14), None])] {
        let values = batch.ints("ndb.drugs", column);
        assert_eq!([values[tablets], values[ointment]], expected, "{column}");
    }
    let day = |day| Some(catalog::codes::days(date(2022, 7, day)));
    assert_eq!(batch.days("ndb.drugs", "prescribed_on")[0], day(5));
    assert_eq!(batch.days("ndb.drugs", "dispensed_on")[0], day(6));
    assert_eq!(batch.report.quarantined(), 0);

    let medical = world.run("ndb", &["RECEIPTC_202207.UKE"]);
    for kind in ["a1", "a3", "b1", "b2"] {
        let here = batch.token_of("ndb.claims", 0, kind);
        assert!(here.is_some() && (0..5).any(|row| here == medical.token_of("ndb.claims", row, kind)), "{kind}");
    }
    assert!(batch.token_of("ndb.claims", 0, "d1").is_none());
    let leaving = batch.leaving(&world);
    for secret in ["医師", "花子", "9876543210", "家族", "山田", "ヤマダ"] {
        assert_eq!(count_in(&leaving, secret), 0, "{secret}");
    }
}

#[test]
fn a_dpc_receipt_has_its_diagnoses_and_what_is_bundled() {
    let world = World::new();
    let person = [(1, "RE"), (2, "1"), (3, "1111"), (4, "202208"), (5, "山田　太郎"), (6, "1"), (7, "19580314")];
    let rest =
        [(9, "20220801"), (13, "350"), (14, "0000001001"), (21, "99999999990000001"), (24, "01"), (29, "ヤマダタロウ")];
    let text = [
        "IR,1,13,1,1234566,,架空,202209,00,\r\n".to_owned(),
        record(30, &[&person[..], &rest[..]].concat()),
        "HO,06131239,１２３,４５６７,9,45000,,,,,,57600,,,,\r\n".to_owned(),
        "BU,100070xx99x000,20220801,20220809,7,自宅で\r\n".to_owned(),
        "SB,2500015,,,E119,22,,\r\n".to_owned(),
        "SB,8833421,8002,,I10,11,,長女が\r\n".to_owned(),
        "KK,,,1,,,64,,,,,,,\r\n".to_owned(),
        record(44, &[(1, "SI"), (2, "60"), (3, "1"), (4, "160010010"), (6, "49"), (7, "1"), (15, "1")]),
        "CD,20220802,60,1,1,160000310,,,,1,\r\n".to_owned(),
        "CD,20220802,21,2,1,620007818,1,,,7,\r\n".to_owned(),
        "CD,20220802,40,3,1,710010001,2.5,,,1,名称\r\n".to_owned(),
        record(30, &[(1, "RE"), (2, "2"), (3, "1111"), (4, "202208"), (9, "20220801"), (19, "1"), (13, "350")]),
        "BU,100070xx99x000,20220801,,,\r\n".to_owned(),
        "GO,2,45000,99\r\n\x1a".to_owned(),
    ];
    let path = world.write("RECEIPTD.UKE", &cp932(&text.concat()));
    let batch = world.batch("ndb", &[path], "out");
    assert_eq!(batch.text("ndb.claims", "claim_type"), ["dpc"]);
    assert_eq!(batch.text("ndb.claims", "setting"), ["inpatient"]);
    assert_eq!(batch.text("ndb.claims", "department"), ["01"]);
    assert_eq!(batch.ints("ndb.claims", "copay"), [Some(57_600)]);
    assert_eq!(batch.report.count(Reason::ReceiptKind), 1, "a grouped receipt");
    let at = |values: Vec<String>, wanted: &str| values.iter().position(|one| one == wanted).unwrap();
    let main = batch.tables["ndb.diagnoses"].column_by_name("main").unwrap().as_boolean().clone();
    let icd10 = |code: &str| at(batch.text("ndb.diagnoses", "icd10"), code);
    assert_eq!([main.value(icd10("E119")), main.value(icd10("I10"))], [false, true]);
    let points = batch.ints("ndb.procedures", "points");
    let act = |code: &str| at(batch.text("ndb.procedures", "procedure_code"), code);
    assert_eq!([points[act("160010010")], points[act("160000310")]], [Some(49), None]);
    assert_eq!(batch.text("ndb.drugs", "section"), ["21"]);
    assert_eq!(batch.numbers("ndb.materials", "quantity"), [Some(2.5)]);
    assert_eq!(batch.ints("facility", "beds"), [Some(350)]);
    assert_eq!(batch.days("person", "died_month"), [Some(catalog::codes::days(date(2022, 8, 1)))]);
    let leaving = batch.leaving(&world);
    for secret in ["自宅で", "長女が", "名称", "0000001001", "山田"] {
        assert_eq!(count_in(&leaving, secret), 0, "{secret}");
    }
}
