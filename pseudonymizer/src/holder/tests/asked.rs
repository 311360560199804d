//! Run tokens of the atoms alone that the linkage zone asks for, from end to end with batches of the samples; requests that are refused.

use std::collections::BTreeSet;
use std::path::Path;

use policies::durable;
use policies::jws::Document;
use policies::keys::{RunId, RunKey, SigningKey, VerifyingKey};

use super::*;
use crate::link::ask::Request;
use crate::link::review::AtomId;
use crate::link::{AskJob, ask};

/// The third batch comes after the full pass: the same persons, two months later.
const FILES: [(&str, &[&str]); 3] = [
    ("ndb", &["RECEIPTC_202207.UKE"]),
    ("ltc", &["i2208a.csv", "nintei_head18.csv"]),
    ("ndb", &["RECEIPTC_202209.UKE"]),
];

fn id() -> RunId {
    "2026-12".parse().unwrap()
}

fn zone(world: &World) -> SigningKey {
    world.linkage.signing("sign").unwrap()
}

/// Run tokens of a batch, of those alone that a request asks for if there is one.
fn make(
    world: &World,
    at: usize,
    out: &str,
    bound: u32,
    request: Option<(&Path, &VerifyingKey)>,
) -> Result<RunTokens, HolderError> {
    let (source, batch) = &world.batches[at];
    let (run, out) = (id(), world.path(out));
    let job = RunTokensJob {
        keys: &world.holders[source],
        batch,
        run: &run,
        link_to: world.linkage.recipient().unwrap(),
        max_multiplicity: bound,
        only: request.map(|(request, zone)| OnlyAsked { request, zone }),
        out: &out,
    };
    run_tokens(&job, NOW)
}

fn with_key() -> World {
    let world = World::new(&FILES);
    let (ndb, ltc) = (&world.holders["ndb"], &world.holders["ltc"]);
    ndb.keep_run_key(RunKey::generate(id(), NOW), NOW).unwrap();
    let wrapped = epoch::wrap_run_key(ndb, &id(), &ltc.recipient().unwrap(), NOW).unwrap();
    epoch::join_run_key(ltc, &wrapped, None, NOW).unwrap();
    world
}

fn name(world: &World, at: usize) -> String {
    let own = world.holders[world.batches[at].0].signing("sign").unwrap().verifying();
    catalog::batch::SignedBatch::read(&world.batches[at].1).unwrap().verify(&own).unwrap().batch
}

fn atoms(world: &World, out: &str) -> BTreeSet<[u8; 16]> {
    let tables = read(&world.path(out).join("run.arrow.age"), &world.linkage.seal().unwrap());
    let ids = |table: &RecordBatch| -> Vec<[u8; 16]> {
        let column = table.column_by_name("atom").unwrap().as_fixed_size_binary();
        column.iter().map(|id| id.unwrap().try_into().unwrap()).collect()
    };
    tables.iter().flat_map(ids).collect()
}

fn link(world: &World, tokens: &[PathBuf], runs: &[&str]) -> Result<LinkReport, LinkError> {
    let out = world.path("crosswalk");
    let run_tokens: Vec<PathBuf> = runs.iter().map(|run| world.path(run)).collect();
    let job =
        LinkJob { run_tokens: &run_tokens, ..LinkJob::new(&world.linkage, &out, tokens, link::fixture::policy()) };
    link::run(&job, NOW, &mut |_| {})
}

#[test]
fn asked_made_and_linked() {
    let world = with_key();
    let tokens = world.tokens();
    for (at, out) in [(0, "run-0"), (1, "run-1")] {
        make(&world, at, out, 200, None).unwrap();
    }
    link(&world, &tokens[..2], &["run-0", "run-1"]).unwrap();

    let (out, to) = (world.path("crosswalk"), world.path("requests"));
    let job =
        AskJob { keys: &world.linkage, out: &out, tokens: &tokens[2..], policy: link::fixture::policy(), to: &to };
    let asked = ask(&job, NOW).unwrap();
    let ndb = asked.requests.iter().find(|request| request.source == "ndb").unwrap();
    assert!(ndb.new > 0 && ndb.old > 0, "{asked:?}");
    let zone = zone(&world).verifying();
    let request = Request::verify(&fs::read_to_string(&ndb.path).unwrap(), &zone).unwrap();
    let (mut made, mut runs) = (0, Vec::new());
    for request_of in &asked.requests {
        for at in (0..3).filter(|at| request_of.batches.contains(&name(&world, *at))) {
            let out = format!("asked-{at}");
            let one = make(&world, at, &out, 200, Some((&request_of.path, &zone))).unwrap();
            assert_eq!(one.asked.as_ref(), Some(&request_of.digest));
            assert_eq!(one.atoms, atoms(&world, &out).len() as u64);
            made += one.atoms;
            runs.push(out);
        }
    }
    assert_eq!(made, asked.requests.iter().map(|request| request.new + request.old).sum::<u64>());
    let of_old = request.batches[&name(&world, 0)].iter().map(|atom| atom.0).collect::<BTreeSet<_>>();
    assert!(atoms(&world, "asked-0") == of_old && of_old.is_subset(&atoms(&world, "run-0")));
    let runs: Vec<&str> = runs.iter().map(String::as_str).collect();
    let report = link(&world, &tokens[2..], &runs).unwrap();
    assert!(report.scored.is_some() && report.pass.last_full == 1, "{report:?}");
}

/// One atom of the batch is asked for; what leaves is bounded by how common values are in all of it.
#[test]
fn the_bound_is_that_of_the_whole_batch() {
    let world = with_key();
    let whole = make(&world, 0, "whole", 1, None).unwrap();
    assert!(!whole.refused.is_empty());
    let one = *atoms(&world, "whole").first().unwrap();
    let path = write(&world, "one.jws", &request(&world, "ndb", &[(0, &[one])]), &zone(&world));
    let made = make(&world, 0, "one", 1, Some((&path, &zone(&world).verifying()))).unwrap();
    assert_eq!((made.atoms, &made.refused), (1, &whole.refused));
    assert_eq!(atoms(&world, "one"), BTreeSet::from([one]));
    assert!(made.refused.keys().all(|kind| made.tokens[kind] == 0) && made.tokens.values().all(|count| *count <= 1));
}

fn request(world: &World, source: &str, batches: &[(usize, &[[u8; 16]])]) -> Request {
    let of = |(at, ids): &(usize, &[[u8; 16]])| (name(world, *at), ids.iter().map(|id| AtomId(*id)).collect());
    Request {
        source: source.to_owned(),
        holder: world.holders[source].signing("sign").unwrap().verifying().fingerprint(),
        made_at: NOW,
        batches: batches.iter().map(of).collect(),
    }
}

fn write(world: &World, name: &str, request: &Request, key: &SigningKey) -> PathBuf {
    let path = world.path(name);
    durable::replace(&path, request.sign(key).unwrap().as_bytes()).unwrap();
    path
}

#[test]
fn requests_that_do_not_fit_are_refused() {
    let world = with_key();
    make(&world, 0, "whole", 200, None).unwrap();
    let ids: Vec<[u8; 16]> = atoms(&world, "whole").into_iter().collect();
    let (key, good) = (zone(&world), request(&world, "ndb", &[(0, &ids[..1])]));
    let refuse = |path: &Path, at: usize| {
        let refused = make(&world, at, "refused", 200, Some((path, &key.verifying()))).unwrap_err();
        assert!(!world.path("refused").exists() && !world.path("refused.partial").exists());
        refused
    };
    let path = write(&world, "good.jws", &good, &key);
    make(&world, 0, "good", 200, Some((&path, &key.verifying()))).unwrap();

    // By another key, changed at any place, cut off, of another kind, none.
    let other = write(&world, "other.jws", &good, &SigningKey::generate());
    assert!(matches!(refuse(&other, 0), HolderError::Request { .. }));
    let text = fs::read(&path).unwrap();
    for place in (0..text.len()).step_by(text.len() / 40) {
        let mut bytes = text.clone();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        durable::replace(&world.path("changed.jws"), &bytes).unwrap();
        assert!(matches!(refuse(&world.path("changed.jws"), 0), HolderError::Request { .. }), "{place}");
    }
    durable::replace(&world.path("cut.jws"), &text[..text.len() / 2]).unwrap();
    assert!(matches!(refuse(&world.path("cut.jws"), 0), HolderError::Request { .. }));
    let strange = policies::jws::sign(policies::jws::EVENTS, &good, &key).unwrap();
    durable::replace(&world.path("kind.jws"), strange.as_bytes()).unwrap();
    assert!(matches!(refuse(&world.path("kind.jws"), 0), HolderError::Request { .. }));
    assert!(matches!(refuse(&world.path("missing.jws"), 0), HolderError::Io { .. }));

    // To another source, or to a holder with another key.
    let path = write(&world, "ltc.jws", &Request { source: "ltc".to_owned(), ..good.clone() }, &key);
    assert!(matches!(refuse(&path, 0), HolderError::OtherHolder { .. }));
    let path = write(&world, "holder.jws", &Request { holder: "0".repeat(16), ..good.clone() }, &key);
    assert!(matches!(refuse(&path, 0), HolderError::OtherHolder { .. }));
    // Of another batch, of nobody, of atoms that the batch never had.
    let path = write(&world, "batch.jws", &good, &key);
    assert!(matches!(refuse(&path, 2), HolderError::NotAsked { .. }));
    let path = write(&world, "nobody.jws", &request(&world, "ndb", &[(0, &[])]), &key);
    assert!(matches!(refuse(&path, 0), HolderError::NotAsked { .. }));
    let path = write(&world, "foreign.jws", &request(&world, "ndb", &[(0, &[ids[0], [9; 16]])]), &key);
    let refused = refuse(&path, 0);
    assert!(matches!(refused, HolderError::Foreign { .. }) && refused.code() == "tokens/foreign");
    assert!(!refused.to_string().contains(&hex::encode([9; 16])));
}
