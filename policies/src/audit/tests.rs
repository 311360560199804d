//! A chain notices every change.

#![expect(clippy::disallowed_methods, reason = "a test damages files on purpose")]

use std::fs;

use super::*;

fn chain(folder: &Path, zone: Zone, entries: u64) -> AuditLog {
    let log = AuditLog::open(folder, zone, SigningKey::generate()).unwrap();
    for number in 0..entries {
        let object = format!("P-2026-{number:06}");
        log.append(Timestamp::UNIX_EPOCH, &Act::new("tester", "permit:issued", &object).with("n", number)).unwrap();
    }
    log
}

#[test]
fn every_flipped_byte_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    chain(dir.path(), Zone::Portal, 5).checkpoint(Timestamp::UNIX_EPOCH).unwrap();
    let path = dir.path().join(FILE);
    let whole = fs::read(&path).unwrap();
    assert!(verify(&[dir.path().to_owned()]).unwrap().whole());
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert!(!verify(&[dir.path().to_owned()]).unwrap().whole(), "byte {place}");
    }
}

#[test]
fn a_removed_line_is_named() {
    let dir = tempfile::tempdir().unwrap();
    chain(dir.path(), Zone::Enclave, 4);
    let path = dir.path().join(FILE);
    let text = fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = text.lines().enumerate().filter(|(number, _)| *number != 1).map(|(_, line)| line).collect();
    fs::write(&path, kept.join("\n") + "\n").unwrap();
    let report = verify(&[dir.path().to_owned()]).unwrap();
    assert_eq!(report.zones[0].broken.as_ref().unwrap().line, 2);
}

#[test]
fn a_tail_cut_off_is_missed_by_the_witness() {
    let dir = tempfile::tempdir().unwrap();
    let (enclave, portal) = (dir.path().join("enclave"), dir.path().join("portal"));
    let first = chain(&enclave, Zone::Enclave, 4);
    let second = chain(&portal, Zone::Portal, 1);
    second.witness(Timestamp::UNIX_EPOCH, Zone::Enclave, &first.identity(), &first.head().unwrap()).unwrap();
    let folders = [enclave.clone(), portal];
    assert!(verify(&folders).unwrap().whole());
    let path = enclave.join(FILE);
    let text = fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = text.lines().take(3).collect();
    fs::write(&path, kept.join("\n") + "\n").unwrap();
    let report = verify(&folders).unwrap();
    assert!(report.zones.iter().all(|zone| zone.broken.is_none()), "a cut chain is whole in itself");
    assert!(!report.whole());
}

#[test]
fn two_writers_of_a_zone_make_one_chain() {
    let dir = tempfile::tempdir().unwrap();
    let seed = crate::keys::SecretBytes::generate();
    let open = || AuditLog::open(dir.path(), Zone::Enclave, SigningKey::from_seed(&seed)).unwrap();
    let (one, two) = (open(), open());
    for _ in 0..40 {
        one.append(Timestamp::UNIX_EPOCH, &Act::new("a", "x:y", "o")).unwrap();
        two.append(Timestamp::UNIX_EPOCH, &Act::new("b", "x:y", "o")).unwrap();
    }
    let report = verify(&[dir.path().to_owned()]).unwrap();
    assert!(report.zones[0].broken.is_none(), "{report:?}");
    // 80 acts, the opening, and a checkpoint at the 64th entry.
    assert_eq!(report.zones[0].entries, 82);
}
