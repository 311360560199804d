//! A flipped byte in a release or an audit log is noticed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::{PERSONS, World, copy_of, demo_once, path, prepared, run, text};

/// Replaces a hard-linked file by a changed copy of its own.
fn flip(file: &Path, place: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[place] ^= 1;
    fs::remove_file(file).unwrap();
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_flipped_byte_in_a_release_stops_its_being_served() {
    for (name, place) in [("enclave/releases/ndb/2026.1/manifest.json", 40), ("", 1000)] {
        let world = copy_of(&prepared(PERSONS, "none"));
        let file = if name.is_empty() {
            first_parquet(&world.path().join("enclave/releases/ndb"))
        } else {
            world.path().join(name)
        };
        flip(&file, place);
        let output = demo_once(world.path(), PERSONS, "none", "127.0.0.1:0");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("the release is not served"), "{said}");
    }
}

fn first_parquet(folder: &Path) -> PathBuf {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries
        .iter()
        .find_map(|path| {
            if path.is_dir() {
                Some(first_parquet(path))
            } else {
                path.extension().is_some_and(|it| it == "parquet").then(|| path.clone())
            }
        })
        .unwrap()
}

#[test]
fn audit_verify_holds_for_the_demo_and_names_the_first_broken_entry() {
    let world = World::start();
    world.answer("SELECT sex, count(*) FROM ndb.claims GROUP BY sex");
    world.refusal("SELECT * FROM ndb.claims");
    let folder = world.folder.path().to_owned();
    let verify = || run(&["audit", "verify", path(&folder), "--lang", "en"]);
    let whole = verify();
    assert!(whole.status.success(), "{}{}", text(&whole.stdout), text(&whole.stderr));
    for zone in ["holder", "linkage", "enclave", "permit", "portal"] {
        assert!(text(&whole.stdout).contains(&format!("{zone}: whole")), "{zone}: {}", text(&whole.stdout));
    }
    let chain = folder.join("enclave/keys/audit.jsonl");
    let entries = fs::read_to_string(&chain).unwrap();
    assert!(
        entries.contains("query:answered") && entries.contains("query:refused") && entries.contains("release:made")
    );
    let line = entries.lines().position(|line| line.contains("query:answered")).unwrap() + 1;
    let changed: Vec<String> = entries
        .lines()
        .enumerate()
        .map(|(at, text)| if at + 1 == line { text.replace("researcher", "reviewer42") } else { text.to_owned() })
        .collect();
    fs::write(&chain, changed.join("\n") + "\n").unwrap();
    let broken = verify();
    assert_eq!(broken.status.code(), Some(1));
    assert!(text(&broken.stdout).contains(&format!("enclave: BROKEN at line {line} ")), "{}", text(&broken.stdout));
}
