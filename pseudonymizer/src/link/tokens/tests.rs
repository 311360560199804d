//! Tests of reading: any order and any split of token files give the same atoms.

use std::collections::BTreeSet;
use std::fs;

use super::super::atoms::Kind;
use super::super::fixture::{Zones, atom};
use super::*;

/// Some atoms of two sources that share tokens across both.
fn rows(source: &str, from: usize) -> Vec<Atom> {
    let words = |number| {
        let (a1, b1, d1) = (number % 17, number % 23, number % 41);
        format!("{} {source} 2019-0{}..2020-12 a1={a1} b1={b1} d1={d1}", from + number, 1 + number % 9)
    };
    (0..60).map(|number| atom(&words(number))).collect()
}

/// All that is said of the atoms, but which batch they came with.
fn said(zones: &Zones, folders: &[PathBuf]) -> impl PartialEq + use<> {
    let checked = check(folders, &zones.linkage, &|_| None).unwrap();
    let mut told = Vec::new();
    let listed = |atom: &Atom| u128::from(atom.id[0] < 16);
    let gathered = checked.gather(zones.dir.path(), listed, |atoms| told.push(atoms)).unwrap();
    assert_eq!(told.len(), folders.len());
    assert_eq!(told.last(), Some(&120));
    let atoms = gathered.atoms;
    let tokens: Vec<_> =
        (0..120).map(|at| (Kind::AT_REST.map(|kind| atoms.token(at, kind)), atoms.months(at))).collect();
    let batches: BTreeSet<u32> = atoms.batches().iter().copied().collect();
    assert_eq!(batches.len(), folders.len());
    for (id, batch) in atoms.ids().iter().zip(atoms.batches()) {
        let of = |given: &Given| checked.sources[usize::from(given.source)].clone();
        let source = &checked.sources[usize::from(atoms.sources()[atoms.ids().binary_search(id).unwrap()])];
        assert_eq!(of(&checked.batches[*batch as usize]), *source);
    }
    let listed: BTreeSet<[u8; 16]> = gathered.listed.into_keys().collect();
    (atoms.ids().to_vec(), atoms.sources().to_vec(), tokens, listed)
}

#[test]
fn any_order_of_files_and_any_split_into_them_give_the_same_atoms() {
    let zones = Zones::new();
    let (ndb, added) = (rows("ndb", 0), rows("registry", 100));
    let whole = [zones.tokens("n", "ndb", &ndb, &[]), zones.tokens("r", "registry", &added, &[])];
    let wanted = said(&zones, &whole);
    assert!(said(&zones, &[whole[1].clone(), whole[0].clone()]) == wanted);
    for size in [1, 7, 31] {
        let mut folders = Vec::new();
        for (source, rows) in [("registry", &added), ("ndb", &ndb)] {
            for (at, some) in rows.chunks(size).enumerate() {
                folders.push(zones.tokens(&format!("{source}-{size}-{at}"), source, some, &[]));
            }
        }
        folders.reverse();
        assert!(said(&zones, &folders) == wanted);
    }
}

#[test]
fn an_atom_in_two_files_is_refused_and_nothing_is_left_on_the_disk() {
    let zones = Zones::new();
    let ndb = rows("ndb", 0);
    let folders = [zones.tokens("one", "ndb", &ndb, &[]), zones.tokens("two", "ndb", &ndb[59..], &[])];
    let scratch = zones.path("scratch");
    fs::create_dir(&scratch).unwrap();
    let refused = check(&folders, &zones.linkage, &|_| None).unwrap().gather(&scratch, |_| 0, |_| {});
    assert!(matches!(refused, Err(LinkError::Twice { .. })));
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
}

#[test]
fn what_is_held_is_not_read_again() {
    let zones = Zones::new();
    let folders =
        [zones.tokens("one", "ndb", &rows("ndb", 0), &[]), zones.tokens("two", "ltc", &rows("ltc", 100), &[])];
    let all = check(&folders, &zones.linkage, &|_| None).unwrap();
    assert_eq!(all.names(), ["one", "two"]);
    let digest = all.batches[0].sha256.clone();
    let held = |sha256: &str| (sha256 == digest).then(|| "one".to_owned());
    let rest = check(&folders, &zones.linkage, &held).unwrap();
    assert_eq!((rest.skipped.as_slice(), rest.names()), (&["one".to_owned()][..], vec!["two".to_owned()]));
    assert_eq!(rest.rows(|_| {}).unwrap().len(), 60);
    let none = check(&folders, &zones.linkage, &|_| Some("held".to_owned())).unwrap();
    assert!(none.agreed.is_none() && none.batches.is_empty());
    let nothing = check(&[], &zones.linkage, &|_| None).unwrap();
    assert!(nothing.batches.is_empty() && nothing.agreed.is_none());
}
