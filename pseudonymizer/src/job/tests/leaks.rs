//! Identifiers in columns that are kept stop the batch, and say where; other persons' numbers and listed codes do not.

use super::ndb::cp932;
use super::*;

/// A receipt whose card has this number, whose chart has that one, and whose lines are these.
fn receipt(number: &str, chart: &str, lines: &str) -> String {
    format!("RE,1,1112,202207,山田　太郎,1,19580314,,,,,,,{chart}\r\nHO,06131239,１,{number},1,100\r\n{lines}")
}

const HEAD: &str = "IR,1,13,1,1234566,,X,202208,00,\r\n";

fn run(source: &str, text: &str) -> Result<Report, PseudonymizeError> {
    let world = World::new();
    let file = world.write("a.raw", &cp932(text));
    let ended = world.try_run(source, &[file], "out");
    assert_eq!(world.dir.path().join("out").exists(), ended.is_ok(), "nothing visible of a batch that is none");
    ended
}

/// Where the scan stopped the batch; the message says no more than that.
fn leak(source: &str, text: &str, identifier: &str) -> (String, usize, u64) {
    let fault = run(source, text).unwrap_err();
    let told = format!("{fault} {fault:?} {}", fault.hint());
    assert!(!told.contains(identifier), "{}", fault.code());
    let PseudonymizeError::Leak { file, record, column } = fault else { panic!("{told}") };
    (column, file, record)
}

#[test]
fn numbers_in_codes_of_receipts_stop_the_batch() {
    for (number, chart, line, column) in [
        ("187654321", "", "SI,12,1,187654321,,73,1\r\n", "ndb.procedures.procedure_code"),
        ("", "187654321", "SI,12,1,187654321,,73,1\r\n", "ndb.procedures.procedure_code"),
        ("00687654321", "", "IY,21,1,687654321,1,3,1\r\n", "ndb.drugs.drug_code"),
        ("7654-3210-9", "", "TO,40,1,765432109,1,3,1\r\n", "ndb.materials.material_code"),
    ] {
        let text = format!("{HEAD}{}", receipt(number, chart, line));
        let (stopped, file, record) = leak("ndb", &text, "7654");
        assert_eq!((stopped.as_str(), file, record), (column, 1, 4));
    }
}

#[test]
fn other_persons_numbers_and_listed_codes_go_on() {
    let other = receipt("45678901", "", "SI,12,1,187654321,,73,1\r\n");
    assert_eq!(run("ndb", &format!("{HEAD}{other}")).unwrap().tables["ndb.procedures"], 1, "nobody's number here");
    // 160010410 and 112007410 stand in the public list: a card of that number is a coincidence.
    let listed = receipt("112007410", "", "SI,12,1,112007410,,73,1\r\n");
    assert_eq!(run("ndb", &format!("{HEAD}{listed}")).unwrap().tables["ndb.procedures"], 1);
}

#[test]
fn numbers_of_long_term_care_and_of_hospitals_are_compared_too() {
    let claims = String::from_utf8(fs::read(fixture("i2208a.csv")).unwrap()).unwrap();
    let own = claims.replace("0000123456", "0000654321").replace("\"11\",\"1211\"", "\"65\",\"4321\"");
    assert_ne!(own, claims);
    assert_eq!(leak("ltc", &own, "654321").0, "ltc.claims.service_code");
    let items = encoding_rs::SHIFT_JIS.decode(&fs::read(fixture("EFn_131234566_2208.txt")).unwrap()).0.into_owned();
    let own = items.replace("0000001001", "0765432109").replace("160010010", "765432109");
    assert_eq!(leak("dpc", &own, "765432109").0, "dpc.items.item_code");
    assert!(run("dpc", &items).is_ok() && run("ltc", &claims).is_ok());
}
