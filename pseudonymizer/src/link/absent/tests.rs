//! Persons who stay out, over whole runs of link.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;

use super::*;
use crate::link::fixture::{Zones, atom, atom_id};
use crate::link::{LinkJob, LinkReport, run};

const JANUARY: &str = "2026-01-01T00:00:00Z";
const FEBRUARY: &str = "2026-02-01T00:00:00Z";
const MARCH: &str = "2026-03-01T00:00:00Z";

fn link(zones: &Zones, tokens: &[&PathBuf]) -> Result<LinkReport, LinkError> {
    let out = zones.path("link");
    let tokens: Vec<PathBuf> = tokens.iter().map(|path| (*path).clone()).collect();
    run(
        &LinkJob::new(&zones.linkage, &out, &tokens, crate::link::fixture::policy()),
        Timestamp::UNIX_EPOCH,
        &mut |_| {},
    )
}

/// Person key by atom number; none for who stays out.
fn crosswalk(zones: &Zones) -> BTreeMap<u128, Option<u64>> {
    let rows = crate::link::fixture::crosswalk(&zones.path("link"), &zones.enclave);
    let number = |id| (0..1000).find(|number| atom_id(*number) == id).unwrap();
    rows.into_iter().map(|(id, (key, _))| (number(id), key)).collect()
}

fn out(zones: &Zones) -> Vec<u128> {
    crosswalk(zones).into_iter().filter(|(_, key)| key.is_none()).map(|(atom, _)| atom).collect()
}

fn events(zones: &Zones, event: &str) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(zones.path("link").join("events.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.filter(|line| line["event"] == event).collect()
}

/// Two persons of a register, one of them in NDB too, by whose card his notification without a name is found.
fn first(zones: &Zones) -> [PathBuf; 2] {
    let ndb = [atom("1 ndb 2020-01..2020-12 a3=a b1=yamada"), atom("2 ndb 2020-01..2020-12 a3=b b1=suzuki")];
    let registry = [atom("3 registry a3=a"), atom("4 registry b1=yamada"), atom("5 registry b1=suzuki")];
    [zones.tokens("n1", "ndb", &ndb, &[]), zones.tokens("r1", "registry", &registry, &[])]
}

#[test]
fn a_person_leaves_one_source_and_comes_back_under_the_same_key() {
    let zones = Zones::new();
    let [ndb, registry] = first(&zones);
    let report = link(&zones, &[&ndb, &registry]).unwrap();
    assert_eq!((report.persons, report.absent_by_source.len()), (2, 0));
    let before = crosswalk(&zones);

    let objection = [atom("0 registry b1=yamada")];
    let second = zones.tokens_with("r2", "registry", &[atom("6 registry b1=sato")], &objection, FEBRUARY);
    let report = link(&zones, &[&ndb, &registry, &second]).unwrap();
    assert_eq!(report.absent_by_source, BTreeMap::from([("registry".to_owned(), 1)]));
    assert_eq!(out(&zones), [3, 4], "by name, and by the card that NDB knows to be his");
    let after = crosswalk(&zones);
    assert!([1, 2, 5].iter().all(|atom| after[atom] == before[atom]), "the say is one source's");
    let retired = events(&zones, "retired");
    assert_eq!(retired.len(), 1);
    assert_eq!(
        (&retired[0]["reason"], &retired[0]["source"], &retired[0]["persons"]),
        (&"opt-out".into(), &"registry".into(), &1.into())
    );

    // The same once more: nothing new happened. The order of the folders does not show.
    link(&zones, &[&second, &registry, &ndb]).unwrap();
    assert_eq!((out(&zones), events(&zones, "retired").len()), (vec![3, 4], 1));

    // Without any list of the source, what stayed out stays out: silence takes nothing back.
    let report = link(&zones, &[&ndb, &registry]).unwrap();
    assert_eq!((out(&zones), report.absent_by_source.get("registry")), (vec![3, 4], Some(&1)));
    assert!(events(&zones, "restored").is_empty());

    // Taken back: the newest list decides.
    let third = zones.tokens_with("r3", "registry", &[atom("7 registry b1=yamada")], &[], MARCH);
    let report = link(&zones, &[&ndb, &registry, &second, &third]).unwrap();
    assert_eq!(report.absent_by_source, BTreeMap::from([("registry".to_owned(), 0)]));
    let back = crosswalk(&zones);
    assert!([1, 2, 3, 4, 5].iter().all(|atom| back[atom] == before[atom]));
    assert_eq!((back[&7], events(&zones, "restored").len()), (before[&4], 1));
    link(&zones, &[&ndb, &registry, &second, &third]).unwrap();
    assert_eq!((events(&zones, "restored").len(), events(&zones, "retired").len()), (1, 1));
}

#[test]
fn the_newest_list_decides_and_what_was_left_out_for_it_counts_on() {
    let zones = Zones::new();
    // The card is known from a record that was left out; nothing else ties it to the name.
    let cards = zones.tokens("r1", "registry", &[atom("1 registry a3=a"), atom("2 registry a3=b")], &[]);
    let yamada = atom("0 registry b1=yamada");
    let left_out = [yamada.clone(), atom("0 registry a3=a b1=yamada")];
    let second = zones.tokens_with("r2", "registry", &[atom("3 registry b1=sato")], &left_out, JANUARY);
    link(&zones, &[&cards, &second]).unwrap();
    assert_eq!(out(&zones), [1]);

    // Another one objects: his list has no record of the first, whose objection stands.
    let both = [yamada, atom("0 registry b1=suzuki")];
    let third = zones.tokens_with("r3", "registry", &[atom("4 registry b1=ito")], &both, FEBRUARY);
    link(&zones, &[&cards, &second, &third]).unwrap();
    assert_eq!(out(&zones), [1]);
    link(&zones, &[&third, &cards, &second]).unwrap();
    assert_eq!(out(&zones), [1]);

    // The first takes it back: what was left out for him counts no more.
    let fourth = zones.tokens_with("r4", "registry", &[], &both[1..], MARCH);
    link(&zones, &[&cards, &second, &third, &fourth]).unwrap();
    assert!(out(&zones).is_empty());
}

#[test]
fn kinds_and_sources_are_not_mixed_up() {
    let zones = Zones::new();
    let mut same = atom("0 registry b1=yamada");
    // The same bytes under another kind are nobody's.
    same.tokens.swap(Kind::B1.place(), Kind::D1.place());
    let registry = zones.tokens_with("r1", "registry", &[atom("1 registry b1=yamada")], &[same], JANUARY);
    let objection = [atom("0 cancer b1=yamada")];
    let cancer = zones.tokens_with("c1", "cancer", &[atom("2 cancer b1=suzuki")], &objection, FEBRUARY);
    let report = link(&zones, &[&registry, &cancer]).unwrap();
    let none = ["cancer", "registry"].map(|source| (source.to_owned(), 0));
    assert_eq!((report.absent_by_source, out(&zones)), (BTreeMap::from(none), vec![]));
}

#[test]
fn a_list_that_is_missing_or_changed_is_refused_and_one_slipped_in_says_nothing() {
    let zones = Zones::new();
    let signed = |name: &str| {
        let rows = [atom("1 registry b1=yamada")];
        zones.tokens_with(name, "registry", &rows, &[atom("0 registry b1=yamada")], JANUARY)
    };
    let refused = |folder: &PathBuf| matches!(link(&zones, &[folder]), Err(LinkError::Signature { .. }));
    let missing = signed("r1");
    fs::remove_file(missing.join(FILE)).unwrap();
    assert!(refused(&missing));
    let (changed, other) = (signed("r2"), signed("r3"));
    fs::copy(other.join(FILE), changed.join(FILE)).unwrap();
    assert!(refused(&changed));
    let slipped = zones.tokens("r4", "registry", &[atom("1 registry b1=yamada")], &[]);
    fs::copy(other.join(FILE), slipped.join(FILE)).unwrap();
    assert!(link(&zones, &[&slipped]).is_ok() && out(&zones).is_empty(), "nobody signed for it");
    let bad = zones.tokens_with("r5", "registry", &[atom("1 registry b1=yamada")], &[], "yesterday");
    assert!(matches!(link(&zones, &[&bad]), Err(LinkError::Form { .. })));
    let (out, tokens) = (zones.path("link"), [other]);
    let job = LinkJob { rebuild: true, ..LinkJob::new(&zones.linkage, &out, &tokens, crate::link::fixture::policy()) };
    assert!(run(&job, Timestamp::UNIX_EPOCH, &mut |_| {}).is_ok());
}

/// Tokens of those who stay out are permuted before they are compared and kept, and what is kept opens in this zone alone.
#[test]
fn what_the_zone_keeps_of_them_is_no_token_of_a_holder() {
    let zones = Zones::new();
    let objection = atom("0 registry a3=a b1=yamada d1=c");
    let rows = [atom("1 registry b1=yamada"), atom("2 registry b1=suzuki")];
    let batch = zones.tokens_with("r1", "registry", &rows, std::slice::from_ref(&objection), JANUARY);
    link(&zones, &[&batch]).unwrap();
    let permutation = Permutation::of(&zones.linkage).unwrap();
    let tokens: BTreeSet<Token> = objection.tokens.into_iter().flatten().collect();
    let finds = |kept: &[u8], bytes: Token| memchr::memmem::find(kept, &bytes).is_some();
    let (lying, opened) = crate::link::fixture::everything_in(&zones.path("link"), &[&zones.linkage]);
    assert!(finds(&opened, atom_id(1)), "the search would find what is there");
    assert!(tokens.iter().all(|token| finds(&opened, permutation.apply(*token)) && !finds(&opened, *token)));
    assert!(tokens.iter().all(|token| !finds(&lying, permutation.apply(*token)) && !finds(&lying, *token)));
    let (_, enclave) = crate::link::fixture::everything_in(&zones.path("link"), &[&zones.enclave]);
    assert!(tokens.iter().all(|token| !finds(&enclave, permutation.apply(*token))));
}
