//! Dental receipts, read back by position, against the truth.

use super::*;
use arrow::datatypes::{Date32Type, Float64Type, Int32Type};

/// The records of the receipts that hold: the latest of a person, institution and month, unless it was returned.
fn records(folder: &Path) -> Vec<Vec<String>> {
    let mut holding: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for path in raw_files(folder, "ndb", "RECEIPTS") {
        let (mut head, mut receipts) = (Vec::new(), Vec::<(String, Vec<Vec<String>>)>::new());
        for line in cp932(&path).trim_end_matches('\u{1a}').lines() {
            let cells: Vec<String> = line.split(',').map(str::to_owned).collect();
            match cells[0].as_str() {
                "IR" => head = cells,
                "RE" => {
                    let key = format!("{}|{}|{}|{}{}", head[2], head[4], cells[3], cells[4], cells[6]);
                    receipts.push((key, vec![head.clone(), cells]));
                }
                "GO" => assert!(cells.len() == 4),
                _ => receipts.last_mut().unwrap().1.push(cells),
            }
        }
        let valid = receipts.into_iter().filter(|(_, records)| records.iter().all(|cells| cells[0] != "HR"));
        holding.extend(valid);
    }
    holding.into_values().flatten().collect()
}

/// Rows of a truth table that belong to a dental claim, each as one text.
fn truth(folder: &Path, table: &str, columns: &[&str]) -> Vec<String> {
    let claims = read(&folder.join("truth/ndb/claims.parquet"));
    let kinds = texts(&claims, "claim_type");
    let ids = keys(&claims, "claim_id").into_iter().zip(kinds);
    let ids: HashSet<u64> = ids.filter(|(_, kind)| kind.as_deref() == Some("dental")).map(|(id, _)| id).collect();
    let mut rows = Vec::new();
    for batch in read(&folder.join(format!("truth/ndb/{table}.parquet"))) {
        let of = batch.column_by_name("claim_id").unwrap().as_primitive::<UInt64Type>().clone();
        for row in (0..batch.num_rows()).filter(|row| ids.contains(&of.value(*row))) {
            let cells: Vec<String> = columns.iter().map(|column| cell(&batch, column, row)).collect();
            rows.push(cells.join("|"));
        }
    }
    rows.sort();
    rows
}

fn cell(batch: &RecordBatch, column: &str, row: usize) -> String {
    let array = batch.column_by_name(column).unwrap();
    if array.is_null(row) {
        return String::new();
    }
    if let Some(text) = array.as_string_opt::<i32>() {
        return text.value(row).to_owned();
    }
    if let Some(date) = array.as_primitive_opt::<Date32Type>() {
        let day = crate::calendar::plus_days(jiff::civil::date(1970, 1, 1), date.value(row));
        return crate::calendar::compact(day);
    }
    if let Some(number) = array.as_primitive_opt::<Float64Type>() {
        return number.value(row).to_string();
    }
    if let Some(flag) = array.as_boolean_opt() {
        return flag.value(row).to_string();
    }
    array.as_primitive::<Int32Type>().value(row).to_string()
}

/// The first day with a count, from the 31 columns at the record's end.
fn first_day(cells: &[String], month: &str) -> String {
    let days = &cells[cells.len() - 31..];
    let day = days.iter().position(|day| !day.is_empty()).unwrap() + 1;
    format!("{month}{day:02}")
}

#[test]
fn dental_receipts_say_what_the_truth_says() {
    let world = shared();
    let folder = world.0.path();
    let (mut claims, mut diseases, mut acts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut drugs, mut materials, mut month, mut section) = (Vec::new(), Vec::new(), String::new(), String::new());
    for cells in records(folder) {
        let is = |name: &str, fields: usize| {
            assert!(cells[0] != name || cells.len() == fields, "{name} has {} fields", cells.len());
            cells[0] == name
        };
        let mut inherited = |text: &String| {
            if !text.is_empty() {
                section.clone_from(text);
            }
            section.clone()
        };
        if is("IR", 11) {
            assert_eq!(cells[3], "3");
        } else if is("RE", 27) {
            assert!(cells[2].starts_with('3') && !cells[25].is_empty() && cells[9].len() == 8);
            month.clone_from(&cells[3]);
        } else if is("HO", 14) || (is("KO", 10) && cells[1].starts_with("12")) {
            claims.push(format!("{month}01|{}|{}", cells[5], cells[4]));
        } else if is("HS", 13) {
            assert!(cells[3].len().is_multiple_of(6));
            let (main, suspected) = (cells[9] == "01", cells[5].contains("8002"));
            diseases.push(format!("{}|{}|{suspected}|{main}|{}|{}", cells[4], cells[5], cells[1], cells[2]));
        } else if is("SS", 109) || is("SI", 38) {
            let (points, times) = if cells[0] == "SS" { (76, 77) } else { (5, 6) };
            let (code, on) = (&cells[3], first_day(&cells, &month));
            acts.push(format!("{}|{code}|{}|{}|{on}", inherited(&cells[1]), cells[points], cells[times]));
        } else if is("IY", 39) {
            let (dose, times, on) = (&cells[4], &cells[6], first_day(&cells, &month));
            drugs.push(format!("{}|{}|{dose}|{times}|{times}|{on}", inherited(&cells[1]), cells[3]));
        } else if is("TO", 45) {
            materials.push(format!("{}|{}|{}|{}", cells[3], cells[4], cells[13], first_day(&cells, &month)));
        }
    }
    for list in [&mut claims, &mut diseases, &mut acts, &mut drugs, &mut materials] {
        list.sort();
    }
    assert_eq!(claims, truth(folder, "claims", &["service_month", "points", "days"]));
    let columns = ["disease_code", "modifiers", "suspected", "main", "start_date", "outcome"];
    assert_eq!(diseases, truth(folder, "diagnoses", &columns));
    let columns = ["section", "procedure_code", "points", "times", "performed_on"];
    assert_eq!(acts, truth(folder, "procedures", &columns));
    let columns = ["section", "drug_code", "quantity", "times", "days_supply", "prescribed_on"];
    assert_eq!(drugs, truth(folder, "drugs", &columns));
    assert_eq!(materials, truth(folder, "materials", &["material_code", "quantity", "times", "performed_on"]));
    assert!(claims.len() > 800 && !drugs.is_empty() && !materials.is_empty());
    assert!(acts.iter().any(|act| act.contains("|160008010|")));
}
