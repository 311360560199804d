//! The ledger is the same for the same seed, its truth covers it, and its rates are those asked for.

use std::collections::{HashMap, HashSet};
use std::fs;

use super::*;

fn make(persons: u64, shape: Shape) -> (tempfile::TempDir, LedgerSummary) {
    let dir = tempfile::tempdir().unwrap();
    let options = LedgerOptions { persons, seed: 4, years: 10, shape };
    let summary = ledger(&options, dir.path(), &mut |_| {}).unwrap();
    (dir, summary)
}

fn lines(dir: &Path, name: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(dir.join(name)).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn every_row_has_one_truth() {
    let (dir, summary) = make(3_000, Shape::Population);
    let truth = lines(dir.path(), "truth.csv");
    let serials: HashSet<&String> = truth.iter().map(|row| &row[0]).collect();
    assert_eq!(serials.len(), truth.len());
    assert_eq!(truth.len() as u64, summary.rows.iter().sum::<u64>());
    for (name, count) in ["claims.csv", "care.csv", "hospital.csv", "record.csv"].iter().zip(summary.rows) {
        let rows = lines(dir.path(), name);
        assert!(
            rows.iter().all(|row| serials.contains(&row[0])) && rows.len() as u64 == count && count > 300,
            "{name}"
        );
        let width = rows[0].len();
        assert!(rows.iter().all(|row| row.len() == width), "{name}");
    }
    let persons: HashSet<&String> = truth.iter().map(|row| &row[1]).collect();
    assert!(persons.len() > 2_800 && persons.len() <= 3_000, "{}", persons.len());
    for letter in ['m', 'h', 'k', 'n', 'c'] {
        assert!(truth.iter().any(|row| row[8].contains(letter)), "{letter}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let (one, other) = (make(400, Shape::Slices { cells: 4 }).0, make(400, Shape::Slices { cells: 4 }).0);
    for name in ["claims.csv", "care.csv", "hospital.csv", "record.csv", "truth.csv", "facility_software.csv"] {
        assert_eq!(fs::read(one.path().join(name)).unwrap(), fs::read(other.path().join(name)).unwrap(), "{name}");
    }
}

/// Kubo 2017: the ids of about 11 % of patients change in a year.
#[test]
fn as_many_ids_change_in_a_year_as_in_japan() {
    let (_, population) = make(6_000, Shape::Population);
    assert!((0.1..0.125).contains(&population.changes_in_a_year), "{}", population.changes_in_a_year);
}

#[test]
fn namesakes_are_as_many_as_among_all() {
    let (dir, _) = make(8_000, Shape::Slices { cells: 4 });
    let truth: HashMap<String, String> =
        lines(dir.path(), "truth.csv").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let mut names: HashMap<(String, String, String), HashSet<String>> = HashMap::new();
    for row in lines(dir.path(), "claims.csv") {
        let kana = row[7].replace('　', "");
        if !kana.is_empty() && kana.chars().all(|letter| ('ァ'..='ヺ').contains(&letter)) {
            names.entry((kana, row[9].clone(), row[10].clone())).or_default().insert(truth[&row[0]].clone());
        }
    }
    let persons: usize = names.values().map(HashSet::len).sum();
    let shared: usize = names.values().map(HashSet::len).filter(|count| *count > 1).sum();
    let small = |count: usize| f64::from(u32::try_from(count).unwrap());
    let share = small(shared) / small(persons);
    // Part 2: 1.0 to 3.4 % of persons have a namesake of their birth date and sex; half as many are seen here, by full kana alone.
    assert!((0.004..0.04).contains(&share), "{share}");
}
