//! The DPC survey's files, read back by position, against the truth.

use super::*;
use arrow::datatypes::{Date32Type, Int32Type};

/// The rows of a file that are no title.
fn rows(folder: &Path, beginning: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for path in raw_files(folder, "dpc", beginning) {
        for line in cp932(&path).lines() {
            let cells: Vec<String> = line.split('\t').map(str::to_owned).collect();
            if cells[0].len() == 9 && cells[0].bytes().all(|byte| byte.is_ascii_digit()) {
                rows.push(cells);
            }
        }
    }
    rows
}

fn number(text: &str) -> i32 {
    if text.is_empty() { 0 } else { text.parse().unwrap() }
}

#[test]
fn bundled_rows_carry_the_classification_of_every_stay() {
    let world = shared();
    let folder = world.0.path();
    let read_back: BTreeSet<(String, String, String, String)> = rows(folder, "Dn_")
        .into_iter()
        .map(|row| {
            assert_eq!((row.len(), row[4].as_str(), row[28].len()), (30, "93", 14));
            assert!(row[25] >= row[3] && row[26] <= row[2] && row[27] == row[3]);
            (row[0].clone(), row[1].clone(), row[3].clone(), row[28].clone())
        })
        .collect();
    let stays = read(&folder.join("truth/dpc/stays.parquet"));
    let mut codes = texts(&stays, "dpc_code");
    let within_a_day = codes.iter().filter(|code| code.is_none()).count();
    codes.retain(Option::is_some);
    let mut of_files: Vec<Option<String>> = read_back.into_iter().map(|(.., code)| Some(code)).collect();
    of_files.sort();
    codes.sort();
    assert_eq!(of_files, codes);
    assert!(codes.len() > 80 && within_a_day < 5);
    // 様式4 names every stay once.
    let form4 = rows(folder, "FF4_");
    assert_eq!(form4.len(), codes.len() + within_a_day);
    assert!(form4.iter().all(|row| row.len() == 5));
}

#[test]
fn assessments_add_up_to_the_scores() {
    let world = shared();
    let folder = world.0.path();
    let mut days: BTreeMap<(String, String, String, String), [i32; 3]> = BTreeMap::new();
    let (mut targets, mut others) = (0, 0);
    for row in rows(folder, "Hn_") {
        assert_eq!(row.len(), 20);
        let key = (row[0].clone(), row[2].clone(), row[4].clone(), row[5].clone());
        let payloads: Vec<i32> = row[9..].iter().map(|text| number(text)).collect();
        let place = match row[6].as_str() {
            "ASS0013" => 0,
            "ASS0021" => 1,
            "ASS0031" => 2,
            _ => {
                assert_eq!(row[6], "TAR0010");
                targets += usize::from(row[9] == "1");
                others += usize::from(row[9] == "0");
                continue;
            }
        };
        let score = if place == 1 {
            let (state, help) = payloads.split_at(7);
            let helped: i32 = state[1..5].iter().zip(help).map(|(state, help)| state * help).sum();
            state[0] + state[5] + state[6] + helped
        } else {
            payloads.iter().filter(|value| **value > 0).count().try_into().unwrap()
        };
        days.entry(key).or_insert([-1; 3])[place] = score;
    }
    let mut of_files: Vec<(String, [i32; 3])> = days.into_iter().map(|(key, scores)| (key.3, scores)).collect();
    let table = read(&folder.join("truth/dpc/nursing_need.parquet"));
    let column = |name: &str| -> Vec<i32> {
        let values = |batch: &RecordBatch| {
            let array = batch.column_by_name(name).unwrap();
            let dates = array.as_primitive_opt::<Date32Type>().map(|dates| dates.values().to_vec());
            dates.unwrap_or_else(|| array.as_primitive::<Int32Type>().values().to_vec())
        };
        table.iter().flat_map(values).collect()
    };
    let (on, scores) = (column("assessed_on"), ["a_score", "b_score", "c_score"].map(column));
    let epoch = jiff::civil::date(1970, 1, 1);
    let mut truth: Vec<(String, [i32; 3])> = (0..on.len())
        .map(|at| {
            let day = crate::calendar::plus_days(epoch, on[at]);
            (crate::calendar::compact(day), [0, 1, 2].map(|place: usize| scores[place][at]))
        })
        .collect();
    of_files.sort();
    truth.sort();
    assert_eq!(of_files, truth);
    assert!(truth.len() > 1_000 && truth.iter().any(|(_, scores)| scores.iter().all(|score| *score > 0)));
    // Every day that is a target is assessed; children are not.
    assert_eq!(targets, truth.len());
    assert_eq!(rows(folder, "Hn_").len(), 4 * targets + others);
}

#[test]
fn severity_stands_in_the_payload_that_its_name_tells() {
    let world = shared();
    let folder = &world.0;
    let mut of_files: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows(folder.path(), "FF1_") {
        assert_eq!(row.len(), 17);
        let code = row[5].as_str();
        if code.starts_with(['C', 'M']) || matches!(code, "A002010" | "A004010") {
            for payload in (2..=8).filter(|payload| !row[payload + 7].is_empty()) {
                let item = if payload == 2 { code.to_owned() } else { format!("{code}-{payload}") };
                *of_files.entry(format!("{item}={}", row[payload + 7])).or_default() += 1;
            }
        }
    }
    let table = read(&folder.path().join("truth/dpc/form1.parquet"));
    let mut truth: BTreeMap<String, usize> = BTreeMap::new();
    for (item, value) in texts(&table, "item").into_iter().zip(texts(&table, "value_code")) {
        *truth.entry(format!("{}={}", item.unwrap(), value.unwrap())).or_default() += 1;
    }
    assert_eq!(of_files, truth);
    for item in ["CAN0010-3", "CAN0020-6", "CAN0030-3", "CAN0040-3", "M010010", "M040020", "M050010", "M060010"] {
        assert!(truth.keys().any(|key| key.split('=').next() == Some(item)), "{item}");
    }
}
