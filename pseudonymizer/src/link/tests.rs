//! Tests of a whole run of link.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use policies::keys::SigningKey;

use super::store::Store;
use super::*;
use fixture::{Zones, atom, atom_id};

fn link(zones: &Zones, tokens: &[PathBuf]) -> Result<LinkReport, LinkError> {
    let out = zones.path("link");
    let job = LinkJob::new(&zones.linkage, &out, tokens, fixture::policy());
    run(&job, Timestamp::UNIX_EPOCH, &mut |_| {})
}

fn rebuild(zones: &Zones, tokens: &[PathBuf]) -> Result<LinkReport, LinkError> {
    let out = zones.path("link");
    let job = LinkJob { rebuild: true, ..LinkJob::new(&zones.linkage, &out, tokens, fixture::policy()) };
    run(&job, Timestamp::UNIX_EPOCH, &mut |_| {})
}

/// Person key by atom number, as the enclave reads it.
fn crosswalk(zones: &Zones) -> BTreeMap<u128, u64> {
    let rows = fixture::crosswalk(&zones.path("link"), &zones.enclave);
    let number = |id| (0..1000).find(|number| atom_id(*number) == id).unwrap();
    rows.into_iter().map(|(id, (key, _))| (number(id), key.unwrap())).collect()
}

#[test]
fn two_sources_become_persons_with_stable_keys() {
    let zones = Zones::new();
    let ndb = [atom("1 ndb 2020-01..2020-12 a3=a b1=yamada"), atom("2 ndb 2020-01..2020-12 a3=b b1=suzuki")];
    let ndb = zones.tokens("n1", "ndb", &ndb, &[]);
    let report = link(&zones, std::slice::from_ref(&ndb)).unwrap();
    assert_eq!((report.persons, report.born), (2, 2));
    let first = crosswalk(&zones);

    let ltc = zones.tokens("l1", "ltc", &[atom("3 ltc 2020-03..2020-12 c1=c b1=yamada")], &[]);
    let report = link(&zones, &[ltc.clone(), ndb.clone()]).unwrap();
    assert_eq!((report.persons, report.born, report.merged, report.split), (2, 0, 0, 0));
    assert_eq!(report.persons_by_pair.get("ndb+ltc"), Some(&1));
    assert_eq!(report.joined_by.get("b1"), Some(&1));
    let second = crosswalk(&zones);
    assert_eq!((second[&1], second[&2], second[&3]), (first[&1], first[&2], first[&1]));

    let bridge = zones.tokens(
        "n2",
        "ndb",
        &[atom("4 ndb 2021-01..2021-02 a1=z a3=a b1=yamada"), atom("5 ndb 2021-03..2021-04 a1=z a3=b b1=suzuki")],
        &[],
    );
    let report = link(&zones, &[ndb, ltc, bridge]).unwrap();
    assert_eq!((report.persons, report.merged), (1, 1));
    assert_eq!(crosswalk(&zones).into_values().collect::<BTreeSet<_>>(), BTreeSet::from([first[&1]]));
    let events = fs::read_to_string(zones.path("link").join("events.jsonl")).unwrap();
    assert_eq!(events.lines().count(), 2, "{events}");
    assert!(first.values().all(|key| !events.contains(&key.to_string())));
}

#[test]
fn content_is_refused() {
    let zones = Zones::new();
    let tokens = zones.tokens("n1", "ndb", &[atom("1 ndb a3=a")], &[]);
    let batch = tokens.parent().unwrap().to_owned();
    assert_eq!(link(&zones, std::slice::from_ref(&batch)).unwrap().persons, 1);
    fs::create_dir(batch.join("content")).unwrap();
    assert!(matches!(link(&zones, &[batch]), Err(LinkError::Content { .. })));
    assert_eq!(link(&zones, std::slice::from_ref(&tokens)).unwrap().persons, 1);
    fs::copy(tokens.join("tokens.arrow.age"), tokens.join("ndb.claims.arrow.age")).unwrap();
    assert!(matches!(link(&zones, &[tokens]), Err(LinkError::Content { .. })));
}

#[test]
fn batches_that_do_not_fit_are_refused() {
    let zones = Zones::new();
    let one = zones.tokens("n1", "ndb", &[atom("1 ndb a3=a")], &[]);
    let epoch = zones.tokens("n2", "ndb", &[atom("2 ndb a3=a")], &[("sudare.epoch", "other")]);
    let normaliser = zones.tokens("n3", "ndb", &[atom("3 ndb a3=a")], &[("sudare.normaliser", "1")]);
    let again = zones.tokens("n4", "ndb", &[atom("4 ndb a3=a")], &[("sudare.batch", "n1")]);
    let same_atom = zones.tokens("n5", "ndb", &[atom("1 ndb a3=a")], &[]);
    let changed = zones.tokens("n6", "ndb", &[atom("6 ndb a3=a")], &[]);
    let file = changed.join("tokens.arrow.age");
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    policies::durable::replace(&file, &bytes).unwrap();

    let with = |other: PathBuf| link(&zones, &[one.clone(), other]);
    assert!(matches!(with(epoch), Err(LinkError::Mixed { what: "epoch key", .. })));
    assert!(matches!(with(normaliser), Err(LinkError::Mixed { what: "normaliser version", .. })));
    assert!(matches!(with(again), Err(LinkError::Twice { .. })));
    assert!(matches!(with(same_atom), Err(LinkError::Twice { .. })));
    assert!(matches!(with(changed), Err(LinkError::Signature { .. })));
    assert!(matches!(link(&zones, &[]), Err(LinkError::Nothing)));
}

#[test]
fn a_failed_or_killed_run_leaves_the_last_crosswalk() {
    let zones = Zones::new();
    let one = zones.tokens("n1", "ndb", &[atom("1 ndb a3=a")], &[]);
    link(&zones, std::slice::from_ref(&one)).unwrap();
    let before = crosswalk(&zones);
    let nobody = zones.tokens("n3", "ndb", &[atom("3 ndb a3=c")], &[("sudare.release_to", "nobody")]);
    assert!(matches!(rebuild(&zones, &[nobody]), Err(LinkError::Form { what: "sudare.release_to", .. })));
    assert_eq!(crosswalk(&zones), before);
    let out = zones.path("link");
    assert!(!fs::read_dir(&out).unwrap().any(|e| e.unwrap().file_name().to_string_lossy().starts_with(".partial")));

    // A run that was killed before it was ready left its partial folder.
    let partial = out.join(".partial-dead");
    fs::create_dir(&partial).unwrap();
    fs::copy(out.join("crosswalk.json"), partial.join("crosswalk-000002.arrow.age")).unwrap();
    let two = zones.tokens("n2", "ndb", &[atom("2 ndb a3=b")], &[]);
    assert_eq!(link(&zones, &[one, two]).unwrap().persons, 2);
    assert!(!partial.exists());
    assert_eq!(crosswalk(&zones)[&1], before[&1]);
}

#[test]
fn one_run_works_in_a_folder() {
    let zones = Zones::new();
    let out = zones.path("link");
    let held = Store::open(&out).unwrap();
    let tokens = [zones.tokens("n1", "ndb", &[atom("1 ndb a3=a")], &[])];
    assert!(matches!(link(&zones, &tokens), Err(LinkError::Busy { .. })));
    drop(held);
    assert_eq!(link(&zones, &tokens).unwrap().persons, 1);
}

#[test]
fn a_run_killed_while_its_results_moved_is_completed() {
    let zones = Zones::new();
    let one = zones.tokens("n1", "ndb", &[atom("1 ndb a3=a")], &[]);
    link(&zones, std::slice::from_ref(&one)).unwrap();
    let out = zones.path("link");
    let partial = out.join(".partial-moving");
    fs::create_dir(&partial).unwrap();
    fs::rename(out.join("crosswalk.json"), partial.join("crosswalk.json")).unwrap();
    policies::durable::replace(&partial.join("ready"), b"").unwrap();
    drop(Store::open(&out).unwrap());
    assert!(Marker::beside(&out).is_some());
    assert!(!partial.exists());
}

#[test]
fn another_zones_keys_do_not_link() {
    let zones = Zones::new();
    let tokens = [zones.tokens("n1", "ndb", &[atom("1 ndb a3=a")], &[])];
    let out = zones.path("link");
    let job = LinkJob::new(&zones.enclave, &out, &tokens, fixture::policy());
    let refused = run(&job, Timestamp::UNIX_EPOCH, &mut |_| {});
    assert!(matches!(refused, Err(LinkError::Keys(_))));
}

#[test]
fn only_the_holder_that_the_zone_trusts_is_read() {
    let zones = Zones::new();
    let strange = zones.strange_tokens("n1", "ndb", &[atom("1 ndb a3=a")], &[]);
    let untrusted = link(&zones, std::slice::from_ref(&strange));
    assert!(matches!(untrusted, Err(LinkError::Untrusted { .. })));

    // A holder of another source signs well, but not for this one.
    zones.linkage.trust("ltc", &zones.holder.verifying()).unwrap();
    zones.linkage.trust("ndb", &SigningKey::generate().verifying()).unwrap();
    assert!(matches!(link(&zones, std::slice::from_ref(&strange)), Err(LinkError::Signature { .. })));
    zones.linkage.replace_trusted("ndb", &zones.holder.verifying()).unwrap();
    assert_eq!(link(&zones, &[strange]).unwrap().persons, 1);
    let outside = zones.strange_tokens("n2", "../ndb", &[atom("2 ndb a3=a")], &[]);
    assert!(matches!(link(&zones, &[outside]), Err(LinkError::Untrusted { .. })));
}

#[test]
fn added_sources_keep_their_names_in_whatever_order_they_come() {
    let zones = Zones::new();
    let one = zones.tokens("i1", "infection", &[atom("1 ndb a3=a b1=yamada")], &[]);
    let two = zones.tokens("c1", "cancer", &[atom("2 ndb b1=yamada"), atom("3 ndb b1=suzuki")], &[]);
    let ndb = zones.tokens("n1", "ndb", &[atom("4 ndb a3=a b1=yamada")], &[]);
    let report = link(&zones, &[one.clone(), ndb.clone(), two.clone()]).unwrap();
    assert_eq!(report.atoms_by_source.get("cancer"), Some(&2));
    assert_eq!((report.persons_by_source.get("infection"), report.persons_by_source.get("ndb")), (Some(&1), Some(&1)));
    assert_eq!(report.persons_by_pair.get("cancer+infection"), Some(&1));
    assert_eq!(report.persons_by_pair.get("ndb+infection"), Some(&1));
    let again = rebuild(&zones, &[two, ndb, one]).unwrap();
    assert_eq!(
        (again.atoms_by_source, again.persons_by_source, again.persons_by_pair),
        (report.atoms_by_source, report.persons_by_source, report.persons_by_pair)
    );
}

/// What the zone keeps joins with nothing that a holder keeps: tokens are permuted before they are compared and kept.
#[test]
fn no_token_of_a_holder_lies_in_the_zone() {
    let zones = Zones::new();
    let rows = [atom("1 ndb a1=z a3=a b1=yamada b2=yamada d1=c"), atom("2 ndb c1=k c2=l c3=m b3=yamada a2=a")];
    let ndb = zones.tokens("n1", "ndb", &rows, &[]);
    let tokens: Vec<[u8; 16]> = rows.iter().flat_map(|row| row.tokens).flatten().collect();
    assert_eq!(tokens.len(), 10);

    let permuted = tokens::check(std::slice::from_ref(&ndb), &zones.linkage, &|_| None).unwrap().rows(|_| {}).unwrap();
    let known: BTreeSet<[u8; 16]> = permuted.iter().flat_map(|row| row.tokens).flatten().collect();
    assert_eq!(known.len(), 10);
    assert!(tokens.iter().all(|token| !known.contains(token)));

    link(&zones, &[ndb]).unwrap();
    let keys = [&zones.linkage, &zones.enclave];
    let (lying, opened) = fixture::everything_in(&zones.path("link"), &keys);
    let finds = |all: &[u8], needle: &[u8]| memchr::memmem::find(all, needle).is_some();
    // The search would find what is there: ids of atoms and beginnings of permuted tokens are.
    assert!(rows.iter().all(|row| finds(&opened, &row.id)));
    assert!(known.iter().all(|token| finds(&opened, &token[..10]) && !finds(&lying, &token[..10])));
    let held = |token: &[u8; 16]| finds(&opened, &token[..10]) || finds(&lying, hex::encode(token).as_bytes());
    assert!(tokens.iter().all(|token| !held(token)));
}
