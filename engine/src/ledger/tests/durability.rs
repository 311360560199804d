//! Crashes, tampering, other keys, other projects.
#![expect(clippy::cast_precision_loss, reason = "tests: what goes wrong ends them, and figures are small")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::*;

const KEY: [u8; 32] = [9; 32];

fn file_of(folder: &Path) -> PathBuf {
    fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
}

fn overwrite(path: &Path, bytes: &[u8]) {
    OpenOptions::new().write(true).truncate(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn open(folder: &Path) -> Result<Ledger, LedgerError> {
    Ledger::open(folder, "P-2026-000123", &KEY)
}

/// Three answers; the file's length after each.
fn filled(folder: &Path) -> Vec<usize> {
    let mut ledger = open(folder).unwrap();
    let mut lengths = Vec::new();
    let by_two =
        table(2, vec![count(300..400), count(400..600), None, count(1..100)], vec![vec![1, 1, 2, 2], vec![3, 4, 3, 4]]);
    for table in [table(1, vec![count(0..100)], vec![]), by_two, table(3, vec![count(700..900)], vec![])] {
        ask(&mut ledger, &table);
        lengths.push(usize::try_from(fs::metadata(file_of(folder)).unwrap().len()).unwrap());
    }
    lengths
}

fn knows(ledger: &mut Ledger, plan: u8, near_to: std::ops::Range<u64>) -> bool {
    let whole = (near_to.end - near_to.start) as f64;
    one(ledger, plan, count(near_to.start + 2..near_to.end)) == Verdict::Snapped(whole)
}

#[test]
fn opened_again_it_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let mut ledger = open(folder.path()).unwrap();
    for (plan, near_to) in [(11, 0..100), (12, 300..400), (13, 300..600), (14, 700..900)] {
        assert!(knows(&mut ledger, plan, near_to));
    }
    let again =
        table(2, vec![count(300..400), count(400..600), None, count(1..100)], vec![vec![1, 1, 2, 2], vec![3, 4, 3, 4]]);
    let verdicts = ask(&mut ledger, &again);
    assert_eq!(verdicts, [Verdict::Fresh, Verdict::Fresh, Verdict::Withheld, Verdict::Snapped(100.0)]);
    assert_eq!(fs::metadata(file_of(folder.path())).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_record_that_a_crash_cut_short_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = filled(folder.path());
    let whole = fs::read(file_of(folder.path())).unwrap();
    for length in [lengths[1] + 1, lengths[1] + 27, lengths[1] + 28, lengths[1] + 29, lengths[2] - 1] {
        for zeros in [0, 100] {
            let mut torn = whole[..length].to_vec();
            // A file system may have made room for the record without filling it.
            torn.resize(if zeros > 0 { lengths[2] } else { length }, 0);
            if zeros > 0 && length < lengths[1] + 28 {
                torn[lengths[1]..].fill(0);
            }
            overwrite(&file_of(folder.path()), &torn);
            let mut ledger = open(folder.path()).unwrap();
            assert_eq!(fs::metadata(file_of(folder.path())).unwrap().len(), lengths[1] as u64);
            assert!(knows(&mut ledger, 11, 300..400));
            assert_eq!(one(&mut ledger, 12, count(702..900)), Verdict::Fresh);
            drop(ledger);
            assert!(knows(&mut open(folder.path()).unwrap(), 13, 702..900));
        }
    }
}

#[test]
fn a_changed_or_moved_record_stops_the_project() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = filled(folder.path());
    let whole = fs::read(file_of(folder.path())).unwrap();
    for place in [0, 8, 13, 21, 40, lengths[0] - 1, lengths[0] + 1, lengths[1] - 1] {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        overwrite(&file_of(folder.path()), &changed);
        let refused = open(folder.path()).err().unwrap();
        assert_eq!(refused.code(), "veil/ledger", "byte {place}");
    }
    let without_first = [&whole[..8], &whole[lengths[0]..]].concat();
    overwrite(&file_of(folder.path()), &without_first);
    assert!(matches!(open(folder.path()), Err(LedgerError::Damaged)));
}

#[test]
fn other_keys_and_other_projects_do_not_open_it() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let bytes = fs::read(file_of(folder.path())).unwrap();
    assert!(matches!(Ledger::open(folder.path(), "P-2026-000123", &[8; 32]), Err(LedgerError::Damaged)));
    let elsewhere = tempfile::tempdir().unwrap();
    drop(Ledger::open(elsewhere.path(), "P-2026-000124", &KEY).unwrap());
    overwrite(&file_of(elsewhere.path()), &bytes);
    assert!(matches!(Ledger::open(elsewhere.path(), "P-2026-000124", &KEY), Err(LedgerError::Damaged)));
}

#[test]
fn one_at_a_time_holds_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let held = open(folder.path()).unwrap();
    assert!(matches!(open(folder.path()), Err(LedgerError::Unavailable(_))));
    drop(held);
    open(folder.path()).unwrap();
}

#[test]
fn budgets_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let budgets = Budgets { cells_a_day: 4, variants_min: 1000, window: 30 };
    let question = table(9, vec![count(5000..5100)], vec![]);
    let refused = open(folder.path()).unwrap().settle(&question, &budgets, TODAY);
    assert!(matches!(refused, Err(LedgerError::DayBudget)));
}
