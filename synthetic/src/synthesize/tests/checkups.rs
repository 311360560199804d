//! Guidance documents and the table of checkups, read back, against the truth.

use super::*;
use arrow::datatypes::{Date32Type, Float64Type};

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

fn day(days: i32) -> String {
    crate::calendar::compact(crate::calendar::plus_days(jiff::civil::date(1970, 1, 1), days))
}

#[test]
fn courses_of_guidance_say_what_the_truth_says() {
    let world = shared();
    let folder = world.0.path();
    let mut of_files = Vec::new();
    for path in raw_files(folder, "ndb", "GUIDANCE") {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("<patient><name>"));
        for document in text.split("<ClinicalDocument").skip(1) {
            let category = between(document, "<code code=\"", "\"").unwrap();
            let low = between(document, "<low value=\"", "\"").unwrap();
            let high = between(document, "<high value=\"", "\"").unwrap_or_default();
            let level = between(document, "code=\"1020000001\"", "</entry>").unwrap();
            let level = if level.contains("CD\" code=\"1\"") { "active" } else { "motivational" };
            assert_eq!(high.is_empty(), category == "21");
            assert!(between(document, "6.101\" extension=\"", "\"").is_some_and(|insurer| insurer.len() == 8));
            assert!(between(document, "<postalCode>", "<").is_some_and(|postcode| postcode.len() == 8));
            of_files.push(format!("{low}|{high}|{level}|{}", category == "22"));
        }
    }
    let mut truth = Vec::new();
    for batch in read(&folder.join("truth/ndb/guidance.parquet")) {
        let column = |name: &str| Arc::clone(batch.column_by_name(name).unwrap());
        let (from, to) = (column("started_on"), column("ended_on"));
        let (from, to) = (from.as_primitive::<Date32Type>(), to.as_primitive::<Date32Type>());
        for row in 0..batch.num_rows() {
            let to = if to.is_null(row) { String::new() } else { day(to.value(row)) };
            let completed = column("completed").as_boolean().value(row);
            let level = column("level");
            let level = level.as_string::<i32>().value(row);
            truth.push(format!("{}|{to}|{level}|{completed}", day(from.value(row))));
        }
    }
    of_files.sort();
    truth.sort();
    assert_eq!(of_files, truth);
    assert!(truth.len() > 20 && truth.iter().any(|row| row.contains("||")));
}

#[test]
fn the_table_and_the_documents_together_are_all_checkups() {
    let world = shared();
    let (folder, summary) = (world.0.path(), &world.1);
    let documents: usize = raw_files(folder, "ndb", "CHECKUP")
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap().matches("<ClinicalDocument").count())
        .sum();
    let text = cp932(&folder.join("raw/ndb/FKAC131_01130012.csv"));
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let at = |name: &str| names.iter().position(|known| *known == name).unwrap();
    let mut rows = Vec::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!((cells.len(), cells[at("保険者番号")], cells[at("健診機関")].len()), (names.len(), "01130012", 10));
        assert!(cells[at("氏名カナ")].contains('　') && cells[at("受診券整理番号")].len() == 11);
        let (on, weight) = (cells[at("実施年月日")], cells[at("9N006000000000001_値")]);
        rows.push(format!("{on}|{}", weight.parse::<f64>().unwrap()));
    }
    assert!(rows.len() > 20);
    assert_eq!((documents + rows.len()) as u64, summary.rows["ndb.checkups"]);
    let mut truth: BTreeMap<String, usize> = BTreeMap::new();
    for batch in read(&folder.join("truth/ndb/checkups.parquet")) {
        let column = |name: &str| Arc::clone(batch.column_by_name(name).unwrap());
        let (on, weight) = (column("checked_on"), column("weight_kg"));
        let (on, weight) = (on.as_primitive::<Date32Type>(), weight.as_primitive::<Float64Type>());
        for row in 0..batch.num_rows() {
            *truth.entry(format!("{}|{}", day(on.value(row)), weight.value(row))).or_default() += 1;
        }
    }
    assert!(rows.iter().all(|row| truth.contains_key(row)));
}
