//! LIFE files, read back by the names of their second line, against the truth.

use super::*;
use arrow::datatypes::{Date32Type, Float64Type};

/// A form's rows, each by column id.
fn rows(path: &Path) -> (String, Vec<BTreeMap<String, String>>) {
    let bytes = std::fs::read(path).unwrap();
    let text = match bytes.strip_prefix("\u{feff}".as_bytes()) {
        Some(rest) => String::from_utf8(rest.to_vec()).unwrap(),
        None => cp932(path),
    };
    let mut lines = text.split_terminator("\r\n");
    let form = lines.next().unwrap().to_owned();
    let ids: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        let cells = cells(line);
        assert_eq!(cells.len(), ids.len());
        ids.iter().map(|id| (*id).to_owned()).zip(cells).collect()
    };
    (form, lines.map(row).collect())
}

fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut inside) = (vec![String::new()], false);
    for sign in line.chars() {
        match sign {
            '"' => inside = !inside,
            ',' if !inside => cells.push(String::new()),
            _ => cells.last_mut().unwrap().push(sign),
        }
    }
    cells
}

fn truth(folder: &Path) -> Vec<String> {
    let mut truth = Vec::new();
    for batch in read(&folder.join("truth/ltc/life.parquet")) {
        let column = |name: &str| Arc::clone(batch.column_by_name(name).unwrap());
        let (form, item, code) = (column("form"), column("item"), column("value_code"));
        for row in 0..batch.num_rows() {
            let on = column("assessed_on").as_primitive::<Date32Type>().value(row);
            let on = crate::calendar::compact(crate::calendar::plus_days(jiff::civil::date(1970, 1, 1), on));
            let value = column("value");
            let value = value.as_primitive::<Float64Type>();
            let value = if value.is_null(row) { String::new() } else { value.value(row).to_string() };
            let text = |array: &arrow::array::ArrayRef| {
                let array = array.as_string::<i32>();
                if array.is_null(row) { String::new() } else { array.value(row).to_owned() }
            };
            truth.push(format!("{on}|{}|{}|{value}|{}", text(&form), text(&item), text(&code)));
        }
    }
    truth
}

#[test]
fn assessments_say_what_the_truth_says() {
    let world = shared();
    let folder = world.0.path();
    // The official list is read here on its own: id, type, codes, hidden.
    let list = include_str!("../../../data/life_fields.tsv");
    let mut of_files = Vec::new();
    let mut users: BTreeSet<(String, String, String)> = BTreeSet::new();
    let mut referred = BTreeSet::new();
    let files = [raw_files(folder, "ltc", "SERVICE_USER_INFO_FY"), raw_files(folder, "ltc", "FORM_")].concat();
    assert_eq!(files.len(), 6);
    for path in files {
        let (form, rows) = rows(&path);
        for row in rows {
            let key = |id: &str| row[id].clone();
            let user = (key("care_facility_id"), key("insurer_no"), key("insured_no"));
            if form == "SERVICE_USER_INFO" {
                assert!(row["last_name_kana"].chars().all(|sign| ('\u{ff66}'..='\u{ff9f}').contains(&sign)));
                users.insert(user);
                continue;
            }
            referred.insert(user);
            let on = row.get("evaluate_date").unwrap_or_else(|| &row["adl_evaluate"]);
            for line in list.lines().filter(|line| line.split('\t').next() == Some(form.as_str())) {
                let field: Vec<&str> = line.split('\t').collect();
                let value = row[field[1]].as_str();
                match (field[2], field[4], field[5]) {
                    _ if value.trim().is_empty() => {}
                    ("number", "", "") => {
                        let value: f64 = value.parse().unwrap();
                        of_files.push(format!("{on}|{form}|{}|{value}|", field[1]));
                    }
                    (_, codes, "") if !codes.is_empty() => {
                        assert!(codes.split("; ").any(|code| code.split('：').next() == Some(value)), "{line}");
                        of_files.push(format!("{on}|{form}|{}||{value}", field[1]));
                    }
                    _ => {}
                }
            }
        }
    }
    assert_eq!(users, referred);
    let mut truth = truth(folder);
    of_files.sort();
    truth.sort();
    assert_eq!(of_files.len(), truth.len());
    assert_eq!(of_files, truth);
    assert!(truth.len() > 1_000);
}
