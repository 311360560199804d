//! Tests of a release's quality, from tokens and content to what leaves.

use std::fs;
use std::path::{Path, PathBuf};

use catalog::quality::{Axis, HistoryKind, STEWARD, Shown, Word};
use catalog::{Manifest, Quality};
use jiff::Timestamp;
use policies::jws;
use policies::keys::SigningKey;

use crate::link::store::RowWriter;
use crate::link::{Marker, crosswalk, fixture};
use crate::release::tests::World;
use crate::release::{ReleaseError, ReleaseJob, ReleaseProgress};

/// The persons' atoms, and one of the second database of those who are found there, as link would have told.
fn linked(world: &World, persons: u64, also: impl Fn(u64) -> bool) {
    let folder = world.zones.path("link");
    let mut marker = Marker::of(&folder).unwrap();
    let atoms = (0..persons * 2).map(|atom| (atom, atom / 2 + 1, 0));
    let others = (0..persons).filter(|person| also(*person)).map(|person| (1_000_000 + person, person + 1, 1));
    let file = folder.join(&marker.files[0].name);
    let sources = ["ndb", "ltc"].map(str::to_owned);
    let mut rows = RowWriter::create(&file, &sources, &world.zones.enclave.recipient().unwrap()).unwrap();
    for (atom, key, source) in atoms.chain(others) {
        rows.push((fixture::atom_id(u128::from(atom)), Some(key), "strong", source)).unwrap();
    }
    rows.finish().unwrap();
    marker.files.truncate(1);
    marker.files[0].sha256 = catalog::manifest::digest(&file).unwrap().1;
    marker.sha256 = crosswalk::digest(&marker.files);
    policies::durable::replace(&folder.join("crosswalk.json"), &serde_json::to_vec(&marker).unwrap()).unwrap();
}

fn release(world: &World, software: Option<&Path>, word: Option<&Path>, at: &str) -> Result<Manifest, ReleaseError> {
    let (crosswalk, releases) = (world.zones.path("link"), world.releases());
    let job = ReleaseJob {
        dataset: "ndb",
        version: None,
        content: &world.content,
        crosswalk: &crosswalk,
        keys: &world.zones.enclave,
        kind: catalog::ReleaseKind::Holders,
        releases: &releases,
        buckets: catalog::BucketCount::DEFAULT,
        code_version: "test",
        policy: fixture::policy(),
        facility_software: software,
        steward_word: word,
    };
    crate::release::run(&job, at.parse().unwrap(), &mut |_: ReleaseProgress<'_>| true)
}

fn read(world: &World, manifest: &Manifest) -> Quality {
    Quality::read(&manifest.release.folder(&world.releases()), manifest).unwrap().unwrap()
}

#[test]
fn rates_leave_veiled_and_the_manifest_holds_them() {
    let world = World::new(200);
    linked(&world, 200, |person| person % 4 == 0);
    let manifest = release(&world, None, None, "2026-04-01T00:00:00Z").unwrap();
    let quality = read(&world, &manifest);
    assert_eq!((quality.persons, quality.links.len(), quality.links[0].to.as_str()), (Some(200), 1, "ltc"));
    assert_eq!(quality.links[0].total, Some(Shown { persons: 200, linked: 50 }));
    assert_eq!(quality.shown("ltc", Axis::Sex, "2"), None, "alone it would show that nobody is of the other sex");
    assert_eq!(quality.shown("ltc", Axis::Software, "any"), None);
    assert!(quality.histories.iter().all(|history| history.persons.is_none()));
    let folder = manifest.release.folder(&world.releases());
    let path = folder.join(catalog::quality::FILE);
    let changed = fs::read_to_string(&path).unwrap().replace("200", "205");
    policies::durable::replace(&path, changed.as_bytes()).unwrap();
    assert!(Quality::read(&folder, &manifest).is_err() && manifest.check_files(&folder).is_err());
}

#[test]
fn two_persons_under_one_key_show_in_their_histories() {
    let world = World::new(60);
    let schema = catalog::person_facts_schema();
    // Of the first 30 persons the two atoms have different sexes and births; care follows a death two months before.
    let facts: Vec<_> = (0..120_u128)
        .map(|atom| {
            let strange = atom < 60 && atom % 2 == 0;
            let (sex, born) = if strange { ("1", "-3000") } else { ("2", "-5000") };
            (atom, [("sex", sex), ("birth_date", born), ("prefecture", "13"), ("died_month", "18262")])
        })
        .collect();
    world.write("person", &schema, &facts);
    let claims: Vec<_> = (0..120_u128)
        .map(|atom| {
            (atom, [("facility_code", "1310100015"), ("service_month", if atom < 40 { "18322" } else { "18262" })])
        })
        .collect();
    world.write("ndb.claims", &catalog::content_schema(catalog::table("ndb.claims").unwrap()), &claims);
    world.sign();
    linked(&world, 60, |_| false);
    let quality = read(&world, &release(&world, None, None, "2026-04-01T00:00:00Z").unwrap());
    let persons = |kind| quality.histories.iter().find(|history| history.kind == kind).unwrap().persons;
    assert_eq!(persons(HistoryKind::TwoSexes), Some(30));
    assert_eq!(persons(HistoryKind::TwoBirths), Some(30));
    assert_eq!(persons(HistoryKind::CareAfterDeath), Some(20));
    assert_eq!(persons(HistoryKind::CareBeforeBirth), None);
    assert_eq!(quality.last_month, Some(jiff::civil::date(2020, 3, 1)));
    assert_eq!(quality.links[0].total, None, "nobody is linked");
}

/// What to make of a word before it is signed.
type Change = fn(&mut Word);

/// A word for what waits, by that key.
fn word(world: &World, key: &SigningKey, change: impl FnOnce(&mut Word)) -> PathBuf {
    let waiting = world.releases().join(".quality/ndb-2026.2.json");
    let (quality, digest) = Quality::read_file(&waiting).unwrap();
    let at = Timestamp::UNIX_EPOCH;
    let mut word = Word { release: quality.release, quality: digest, reason: "an insurer left".to_owned(), at };
    change(&mut word);
    let path = world.zones.path("word.jws");
    policies::durable::replace(&path, jws::sign(jws::QUALITY_WORD, &word, key).unwrap().as_bytes()).unwrap();
    path
}

#[test]
fn a_fall_waits_for_a_stewards_word_for_just_these_figures() {
    let world = World::new(200);
    linked(&world, 200, |person| person % 2 == 0);
    release(&world, None, None, "2026-04-01T00:00:00Z").unwrap();
    linked(&world, 200, |person| person % 4 == 0);
    let again = |word: Option<&Path>| release(&world, None, word, "2026-05-01T00:00:00Z");
    let waits = again(None).unwrap_err();
    assert!(matches!(&waits, ReleaseError::Fairness { .. }) && waits.code() == "release/fairness");
    let said = waits.to_string();
    assert!(said.contains("all persons with ltc fell by 2") && said.contains("ndb/2026.1"), "{said}");
    assert_eq!(fs::read_dir(world.releases().join("ndb")).unwrap().count(), 1, "nothing is visible");

    let steward = SigningKey::generate();
    let own = world.zones.enclave.signing("sign").unwrap();
    assert!(
        matches!(again(Some(&word(&world, &steward, |_| ()))), Err(ReleaseError::Keys(_))),
        "no steward is believed"
    );
    world.zones.enclave.trust(STEWARD, &own.verifying()).unwrap();
    assert!(matches!(again(Some(&word(&world, &own, |_| ()))), Err(ReleaseError::Word { .. })), "a second person");
    world.zones.enclave.replace_trusted(STEWARD, &steward.verifying()).unwrap();
    let stranger = SigningKey::generate();
    let wrong: [(&SigningKey, Change); 4] = [
        (&stranger, |_| ()),
        (&steward, |word| word.release = "ndb/2026.3".parse().unwrap()),
        (&steward, |word| word.quality = "00".to_owned()),
        (&steward, |word| word.reason = " ".to_owned()),
    ];
    for (key, change) in wrong {
        assert!(matches!(again(Some(&word(&world, key, change))), Err(ReleaseError::Word { .. })));
    }
    let manifest = again(Some(&word(&world, &steward, |_| ()))).unwrap();
    let given = manifest.quality.unwrap().word.unwrap();
    assert_eq!((given.reason.as_str(), given.key), ("an insurer left", steward.verifying().fingerprint()));
    assert!(!world.releases().join(".quality/ndb-2026.2.json").exists());
    // The next one is held against this one.
    assert!(release(&world, None, None, "2026-06-01T00:00:00Z").is_ok());
}

#[test]
fn software_needs_three_institutions() {
    let world = World::new(300);
    let claims: Vec<_> = (0..600_u128)
        .map(|atom| {
            let codes =
                ["1310100015", "1310100023", "1310100031", "1310100049", "1310100056", "1310100064", "1310100072"];
            (atom, [("facility_code", codes[usize::try_from(atom / 2 % 7).unwrap()]), ("service_month", "18262")])
        })
        .collect();
    world.write("ndb.claims", &catalog::content_schema(catalog::table("ndb.claims").unwrap()), &claims);
    world.sign();
    linked(&world, 300, |person| person % 2 == 0);
    let list = world.zones.path("software.csv");
    let text = "code,family\n1310100015,A\n1310100023,A\n1310100031,A\n1310100049,B\n1310100056,B\n1310100064,B\n1310100072,C\n";
    policies::durable::replace(&list, text.as_bytes()).unwrap();
    let quality = read(&world, &release(&world, Some(&list), None, "2026-04-01T00:00:00Z").unwrap());
    let shown = |family| quality.shown("ltc", Axis::Software, family);
    assert_eq!(shown("C"), None, "one institution");
    assert!(shown("A").is_some() != shown("B").is_some(), "and one more, or C would be the difference");
}
