//! 特定健診 as a table with a header line.

use super::checkup::{document, item};
use super::*;

const ITEMS: [(&str, &str); 5] = [
    ("9N001000000000001", "168.2"),
    ("9A755000000000001", "137"),
    ("1A010000000191111", "2"),
    ("9N736000000000011", "2"),
    ("9N701000000000011", "1"),
];

pub(super) fn table() -> String {
    let mut header =
        "取込日,健診機関,保険者番号,記号,番号,枝番,氏名カナ,性別,生年月日,郵便番号,住所,受診券整理番号,実施年月日"
            .to_owned();
    let mut row = "20220801,1311234566,06131239,１２３,４５６７,00,ヤマダ　タロウ,1,19580314,100-0002,東京都架空区,22112345678,20220715".to_owned();
    for (code, value) in ITEMS {
        header.extend([",", code, "_値,", code, "_判定,", code, "_基準値"]);
        row.extend([",", value, ",架空,1-2"]);
    }
    format!("{header}\r\n{row}\r\n")
}

fn written(world: &World, name: &str, text: &str) -> Batch {
    let file = world.write(name, text.as_bytes());
    world.batch("ndb", &[file], &format!("{name}-out"))
}

fn row(batch: &Batch) -> String {
    let table = &batch.tables["ndb.checkups"];
    let columns: Vec<usize> = (1..table.num_columns()).collect();
    arrow::util::pretty::pretty_format_batches(&[table.project(&columns).unwrap()]).unwrap().to_string()
}

#[test]
fn a_table_in_either_encoding_gives_the_rows_of_the_xml() {
    let world = World::new();
    let value = |(code, value): (&str, &str)| {
        let name = if code.ends_with("11") { "code" } else { "value" };
        item(code, &format!("{name}=\"{value}\""))
    };
    let xml = written(&world, "a.xml", &document(&ITEMS.map(value).concat()));
    let utf8 = written(&world, "b.csv", &table());
    let marked = written(&world, "c.csv", &format!("\u{feff}{}", table()));
    let quoted = format!("\"{}\"\n", table().trim().replace(',', "\",\"").replace("\r\n", "\"\n\""));
    let quoted = written(&world, "d.csv", &quoted);
    let text = table();
    let (sjis, _, failed) = encoding_rs::SHIFT_JIS.encode(&text);
    assert!(!failed);
    let sjis = world.batch("ndb", &[world.write("e.csv", &sjis)], "e");
    for batch in [&utf8, &marked, &quoted, &sjis] {
        assert_eq!(row(batch), row(&xml));
        for kind in ["a1", "a3", "b1"] {
            let here = batch.token_of("ndb.checkups", 0, kind);
            assert!(here.is_some() && here == xml.token_of("ndb.checkups", 0, kind), "{kind}");
        }
        assert_eq!(batch.text("person", "prefecture"), ["13"]);
        let leaving = batch.leaving(&world);
        // The number in half width, four digits, stands in random ids by chance.
        for secret in ["ヤマダ", "架空", "４５６７", "22112345678"] {
            assert_eq!(count_in(&leaving, secret), 0, "{secret}");
        }
    }
}

#[test]
fn rows_of_another_form_are_put_aside_and_unknown_columns_are_counted() {
    let world = World::new();
    let text = table().replacen("取込日", "病院独自", 1);
    let row = text.lines().nth(1).unwrap().to_owned();
    let undated = row.replace("20220715", "20221315");
    let text = format!("{text}{row},1\r\n{undated}\r\n\r\n{}\r\n", row.split_at(24).0);
    let batch = written(&world, "a.csv", &text);
    assert_eq!(batch.report.count(Reason::PartUnknown), 1);
    assert_eq!((batch.report.count(Reason::RecordForm), batch.report.count(Reason::NoDate)), (2, 1));
    assert_eq!(batch.report.tables["ndb.checkups"], 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn broken_tables_never_panic(cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40)) {
        let world = World::new();
        let mut bytes = table().into_bytes();
        for (at, byte) in cuts {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let path = world.write("a.csv", &bytes);
        let done = world.try_run("ndb", &[path], "out");
        let ended = matches!(done, Ok(_) | Err(PseudonymizeError::Nothing { .. }));
        prop_assert!(ended);
    }
}
