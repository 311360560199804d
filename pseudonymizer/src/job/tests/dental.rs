//! 歯科 receipts: a file made by the positions of formats.md, 3.

use jiff::civil::date;

use super::*;

const FILE: &str = "RECEIPTS_202207.UKE";

#[test]
fn a_dental_receipt_has_its_diagnoses_acts_drugs_and_materials() {
    let world = World::new();
    let batch = ndb::batch(&world, &[fixture(FILE)], "out");
    assert_eq!(batch.report.quarantined(), 0);
    assert_eq!(batch.report.files[0].passed, 2);
    assert_eq!(batch.text("ndb.claims", "claim_type"), ["dental", "dental"]);
    assert_eq!(batch.text("ndb.claims", "facility_code"), vec!["1330134565"; 2]);
    let types = batch.text("ndb.claims", "insurer_type");
    let [union, public] = ["union", "public_only"].map(|kind| types.iter().position(|one| one == kind).unwrap());
    for (column, expected) in
        [("points", [Some(812), Some(288)]), ("days", [Some(2), Some(1)]), ("copay", [Some(2440), None])]
    {
        let values = batch.ints("ndb.claims", column);
        assert_eq!([values[union], values[public]], expected, "{column}");
    }
    assert_eq!(batch.text("ndb.public_expenses", "law_code"), ["12"]);
    let sorted = |mut values: Vec<String>| {
        values.sort();
        values
    };
    assert_eq!(sorted(batch.text("ndb.diagnoses", "disease_code")), ["0000999", "5210001", "5210001"]);
    assert_eq!(sorted(batch.text("ndb.diagnoses", "modifiers")), ["-", "-", "8002"]);
    let main = batch.tables["ndb.diagnoses"].column_by_name("main").unwrap().as_boolean().true_count();
    assert_eq!(main, 2);
    let codes = sorted(batch.text("ndb.procedures", "procedure_code"));
    assert_eq!(codes, ["160000310", "301000110", "301000110", "309002110", "313000810"]);
    assert_eq!(sorted(batch.text("ndb.procedures", "section")), ["11", "11", "40", "40", "60"], "filled down");
    let mut points = batch.ints("ndb.procedures", "points");
    points.sort();
    assert_eq!(points, [None, Some(21), Some(261), Some(288), Some(551)], "on the last record of the group");
    assert_eq!(batch.ints("ndb.drugs", "days_supply"), [Some(3)]);
    assert_eq!(batch.numbers("ndb.materials", "quantity"), [Some(2.5)]);
    assert_eq!(batch.days("ndb.materials", "performed_on"), [Some(catalog::codes::days(date(2022, 7, 19)))]);
    assert_eq!(batch.report.count(Reason::RecordUncarried), 4, "JD, MF, CO and SJ");
    for fine in [Reason::FileFrame, Reason::FileTotals, Reason::RecordOrder, Reason::CellImplausible, Reason::CellForm]
    {
        assert_eq!(batch.report.count(fine), 0, "{fine:?}");
    }
}

#[test]
fn the_dental_patient_is_the_one_of_the_medical_claims() {
    let world = World::new();
    let dental = ndb::batch(&world, &[fixture(FILE)], "dental");
    let medical = ndb::batch(&world, &[fixture("RECEIPTC_202207.UKE")], "medical");
    let (dental, medical) = (ndb::tokens_by_kind(&dental), ndb::tokens_by_kind(&medical));
    let shared = dental.iter().filter(|(kind, tokens)| !tokens.is_disjoint(&medical[*kind])).count();
    assert!(shared >= 4, "card, names and births agree");
    let own = |(kind, tokens): &(&String, &HashSet<Vec<u8>>)| tokens.len() == 2 && tokens.is_disjoint(&medical[*kind]);
    assert_eq!(dental.iter().filter(own).count(), 1, "a chart number belongs to its institution");
}

#[test]
fn neither_teeth_nor_words_leave() {
    let world = World::new();
    let batch = ndb::batch(&world, &[fixture(FILE)], "out");
    let leaving = batch.leaving(&world);
    let secrets = [
        "104600103600",
        "104600",
        "103600",
        "104700",
        "108500",
        "左下奥歯",
        "咬合",
        "長女",
        "０９０",
        "架空",
        "山田",
        "ヤマダ",
        "伊藤",
        "D0001",
        "患者メモ",
        "0123456",
        "GA001",
        "AB001",
        "歯訪診",
        "99999999990000011",
    ];
    for secret in secrets {
        assert_eq!(count_in(&leaving, secret), 0, "{secret}");
    }
    assert!(count_in(&leaving, "309002110") > 0, "the search would find what is there");
}

#[test]
fn fields_behind_the_month_stand_in_any_order_and_short_codes_are_put_aside() {
    let world = World::new();
    let receipt = "RE,1,3112,202207,X,1,19580314\r\nHO,06131239,,1,1,100\r\nSS,11,1,301000110\r\nGO,1,100,99\r\n";
    for (name, tail, code, passed, aside) in [
        ("a", "00,03-0000-0002,歯訪診", "0134565", 1, 0),
        ("b", ",,,00", "0134565", 1, 0),
        ("c", "", "134565", 1, 0),
        ("d", "歯訪診,00", "34565", 0, 2),
        ("e", "歯訪診,00", "01345650", 0, 2),
    ] {
        let text = format!("IR,1,13,3,{code},,X,202208,{tail}\r\n{receipt}");
        let path = world.write(&format!("{name}.UKE"), &ndb::cp932(&text));
        // A small file of which all is put aside makes no batch where a share is set.
        let mut files = vec![path];
        if aside > 0 {
            let good = fs::read(fixture("RECEIPTC_202207.UKE")).unwrap();
            files.push(world.write(&format!("{name}_good.UKE"), &good));
        }
        let report = ndb::report(&world, &files, name).unwrap();
        assert_eq!((report.files[0].passed, report.files[0].quarantined), (passed, aside), "{name}");
        assert_eq!(report.count(Reason::NoFacility), aside, "{name}");
    }
}
