//! Each column of the official list has one action, and the one that the rule asks for.

use std::collections::BTreeMap;
use std::io::BufReader;

use proptest::prelude::*;

use super::*;
use crate::layout::{Action, shipped};

const OFFICIAL: &str = include_str!("../../../layouts/official/life-2021-fields.tsv");

/// A line of the official list.
struct Column<'a> {
    form: &'a str,
    id: &'a str,
    kind: &'a str,
    length: usize,
    format: &'a str,
    codes: &'a str,
    hidden: &'a str,
}

fn official() -> Vec<Column<'static>> {
    let column = |line: &'static str| {
        let cells: Vec<&str> = line.split('\t').collect();
        assert_eq!(cells.len(), 11);
        let (form, id, kind, format) = (cells[0], cells[2], cells[4], cells[8]);
        Column {
            form,
            id,
            kind,
            length: cells[5].parse().unwrap_or(0),
            format,
            codes: cells[9].trim(),
            hidden: cells[10],
        }
    };
    OFFICIAL.lines().skip(1).map(column).collect()
}

/// Codes of a list like `1：男性; 2：女性 /`.
fn listed(codes: &str) -> Vec<&str> {
    let is_code = |code: &&str| (1..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let mut listed: Vec<&str> = codes
        .split("; ")
        .filter_map(|part| part.split_once('：'))
        .map(|(code, _)| code.trim())
        .filter(is_code)
        .collect();
    listed.sort_unstable();
    listed.dedup();
    listed
}

#[test]
fn every_column_of_the_official_list_has_one_action_by_the_rule() {
    let layouts = shipped().unwrap();
    let layout = &layouts["ltc-life-2021"];
    let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let columns = official();
    assert_eq!(columns.len(), 1_941);
    for column in &columns {
        let Column { form, id, kind, length, format, codes, hidden } = *column;
        *seen.entry((form, id)).or_default() += 1;
        let of_id = |field: &&Field| field.place == Place::Header(id.to_owned());
        let fields: Vec<&Field> = layout.record(form).unwrap().fields.iter().filter(of_id).collect();
        let [field] = fields[..] else { panic!("{form} {id} has {} actions", fields.len()) };
        let place = format!("{form} {id}");
        let kept = matches!(field.action, Action::Keep | Action::Generalise);
        let to: Vec<&str> = field.to.iter().map(String::as_str).filter(|to| !to.starts_with("person.")).collect();
        assert!(hidden.is_empty() || !kept, "{place}: what LIFE hides is not kept");
        assert!(kind != "string" || !codes.is_empty() || length < 18 || !kept, "{place}: a free string is not kept");
        match to[..] {
            [] => assert!(!kept || form == USERS, "{place}: kept and goes nowhere"),
            ["ltc.life.facility_id"] => assert_eq!(id, "care_facility_id"),
            ["ltc.life.assessed_on"] => assert_eq!(format, "YYYYMMDD", "{place}"),
            ["ltc.life.value"] => assert!(kind != "string" && format.is_empty(), "{place}"),
            ["ltc.life.value_code"] => {
                assert!(kind == "string" && !codes.is_empty() && length <= 10, "{place}");
                assert_eq!(field.values.keys().map(String::as_str).collect::<Vec<_>>(), listed(codes), "{place}");
            }
            _ => panic!("{place}: {to:?}"),
        }
        // What has a value that an analyst can use is not lost.
        let number = kind != "string" && format.is_empty();
        let coded = kind == "string" && format.is_empty() && !codes.is_empty() && length <= 10;
        assert!(kept || form == USERS || !(number || coded), "{place}: a number or a code is dropped");
    }
    assert!(seen.values().all(|times| *times == 1));
    let all: usize = layout.records.iter().map(|record| record.fields.len()).sum();
    assert_eq!(all, columns.len());
}

#[test]
fn certifications_list_all_columns_of_the_official_record() {
    let layouts = shipped().unwrap();
    let fields = &layouts["ltc-certification"].records[0].fields;
    // 172 of the request file, five that the result file has beside them.
    assert_eq!(fields.len(), 172 + 5);
}

#[test]
fn a_cell_has_three_states() {
    assert_eq!(Said::of(b""), Said::Nothing);
    assert_eq!(Said::of(b" "), Said::Cleared);
    assert_eq!(Said::of(b"  "), Said::Value(b"  "));
    assert_eq!((Said::of(b" ").value(), Said::of(b"1").value()), (None, Some(&b"1"[..])));
}

fn all(bytes: &[u8]) -> (Vec<(Vec<u8>, bool)>, u64) {
    let mut from = BufReader::with_capacity(5, bytes);
    let (mut buffer, mut taken, mut lines) = (Vec::new(), 0, Vec::new());
    while let Some(whole) = next(&mut from, &mut buffer, &mut taken).unwrap() {
        lines.push((buffer.clone(), whole));
    }
    (lines, taken)
}

#[test]
fn lines_end_in_three_ways_and_a_long_one_is_cut() {
    let text = |lines: Vec<(Vec<u8>, bool)>| -> Vec<Vec<u8>> {
        lines.into_iter().map(|(line, _)| line).filter(|line| !line.is_empty()).collect()
    };
    for ended in ["A\rB\rC", "A\nB\nC\n", "A\r\nB\r\nC\r\n"] {
        assert_eq!(text(all(ended.as_bytes()).0), [b"A".to_vec(), b"B".to_vec(), b"C".to_vec()]);
    }
    let mut long = vec![b'x'; ROW_MAX * 2];
    long.extend_from_slice(b"\rB");
    let (lines, _) = all(&long);
    assert_eq!(
        lines.iter().map(|(line, whole)| (line.len(), *whole)).collect::<Vec<_>>(),
        [(ROW_MAX, false), (1, true)]
    );
}

proptest! {
    #[test]
    fn every_byte_is_counted_once(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (lines, taken) = all(&bytes);
        prop_assert_eq!(taken, bytes.len() as u64);
        let read: usize = lines.iter().map(|(line, _)| line.len()).sum();
        let ends = bytes.iter().filter(|byte| matches!(**byte, b'\r' | b'\n')).count();
        prop_assert_eq!(read + ends, bytes.len());
    }
}
