//! From one epoch to the next: the same persons, and nothing that could make others of them.

use catalog::batch::{BatchManifest, SignedBatch};
use policies::durable;
use policies::keys::{RotationError, Stage};

use super::*;

/// Two batches of one holder, one each of two others.
const FILES: [(&str, &[&str]); 4] = [
    ("ndb", &["RECEIPTC_200910_wareki.UKE", "RECEIPTC_202207.UKE"]),
    ("ndb", &["RECEIPTC_202209.UKE"]),
    ("ltc", &["i2208a.csv", "nintei_head18.csv"]),
    ("dpc", &["FF1_131234566_2208.txt", "Dn_131234566_2208.txt"]),
];

fn verdict(world: &World, out: &str, source: &str) -> String {
    fs::read_to_string(world.path(out).join(format!("{source}.jws"))).unwrap()
}

fn manifest(world: &World, at: usize) -> BatchManifest {
    let (source, folder) = &world.batches[at];
    let signer = world.holders[source].signing("sign").unwrap().verifying();
    let manifest = SignedBatch::read(folder).unwrap().verify(&signer).unwrap();
    for part in ["tokens", "content"] {
        manifest.check_part(part, &folder.join(part)).unwrap();
    }
    manifest
}

#[test]
fn persons_are_the_same_under_the_next_epoch() {
    let world = World::new(&FILES);
    let linked = world.link().unwrap();
    assert!(linked.persons < linked.atoms && linked.persons_by_pair["ndb+ltc"] > 0, "nothing was linked");
    let before = world.persons();
    let old = manifest(&world, 0).epoch;

    assert!(matches!(world.bridge("ndb", "early"), Err(HolderError::Epochs(RotationError::NoNext))));
    world.begin(None);
    let bridges = world.bridges("1");
    let report = world.check(&bridges, "verdict").unwrap();
    assert_eq!(report.differences, []);
    assert_eq!((report.persons, report.atoms), (linked.persons, linked.atoms));
    for (source, keys) in &world.holders {
        let mut epochs = Epochs::open(keys).unwrap();
        epochs.verify(&verdict(&world, "verdict", source)).unwrap();
        epochs.switch().unwrap();
    }

    // Half of the batches renewed: link says what is wrong and leaves its last run as it is.
    world.renew(0).unwrap();
    assert!(matches!(world.link(), Err(LinkError::Mixed { what: "epoch key", .. })));
    for at in 1..4 {
        let renewed = world.renew(at).unwrap();
        assert_eq!((renewed.unchanged, &renewed.from), (false, &old));
    }
    assert!(world.renew(2).unwrap().unchanged);
    for at in 0..4 {
        assert_eq!(manifest(&world, at).epoch, report.to["ndb"]);
    }
    assert!(matches!(world.link(), Err(LinkError::Mixed { what: "epoch key", .. })), "a new epoch begins anew");
    let after = world.link_as(true).unwrap();
    assert_eq!((after.persons, after.born, after.merged, after.split), (linked.persons, 0, 0, 0));
    assert_eq!(world.persons(), before);
    let marker = link::Marker::beside(&world.path("crosswalk")).unwrap().1;
    assert_eq!(marker.epoch, report.to["ndb"]);

    for (source, keys) in &world.holders {
        Epochs::open(keys).unwrap().destroy(NOW).unwrap();
        let removed = remove_bridges(keys).unwrap();
        assert_eq!(removed, RemovedBridges { removed: vec![report.bridges[*source].clone()], elsewhere: Vec::new() });
    }
    assert!(bridges.iter().all(|folder| !folder.exists()));
}

#[test]
fn a_next_epoch_of_one_s_own_is_refused_with_the_counts() {
    let world = World::new(&FILES);
    world.link().unwrap();
    world.begin(Some("ltc"));
    let report = world.check(&world.bridges("1"), "verdict").unwrap();
    let differ: BTreeMap<&str, (u64, u64)> =
        report.differences.iter().map(|differ| (differ.what.as_str(), (differ.now, differ.next))).collect();
    assert_eq!(differ["epochs that the bridges lead to"], (1, 2));
    assert!(differ["persons"].0 == report.persons && differ["persons"].1 > report.persons, "{differ:?}");
    assert!(differ["different tokens b1"].1 > differ["different tokens b1"].0);
    assert!(differ["atoms of another person"].1 > 0 && !differ.contains_key("tokens b1"));
    let left: Vec<String> = fs::read_dir(world.path("verdict"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(left, ["report.json"], "no verdict is signed");
}

#[test]
fn a_verdict_serves_one_bridge_of_one_holder() {
    let world = World::new(&FILES);
    world.link().unwrap();
    world.begin(None);
    world.check(&world.bridges("1"), "first").unwrap();
    let (first, foreign) = (verdict(&world, "first", "ndb"), verdict(&world, "first", "ltc"));
    let ndb = &world.holders["ndb"];
    let refuses = |signed: &str| {
        matches!(
            Epochs::open(ndb).unwrap().verify(signed),
            Err(RotationError::OtherVerdict | RotationError::Verdict(_))
        )
    };
    assert!(refuses(&foreign), "another holder's");
    assert!(refuses("") && refuses(first.get(1..).unwrap()));
    // A bridge made again: the verdict on the one before is replayed.
    world.check(&world.bridges("2"), "second").unwrap();
    assert!(refuses(&first));
    assert!(Epochs::open(ndb).unwrap().switch().is_err());
    Epochs::open(ndb).unwrap().verify(&verdict(&world, "second", "ndb")).unwrap();
    // And after the switch none is taken.
    Epochs::open(ndb).unwrap().switch().unwrap();
    assert!(Epochs::open(ndb).unwrap().verify(&first).is_err());
}

#[test]
fn a_bridge_covers_all_batches_of_the_last_run() {
    let mut world = World::new(&FILES);
    world.link().unwrap();
    world.begin(None);
    let all = world.bridges("1");
    assert!(matches!(world.check(&all[1..], "fewer"), Err(LinkError::Bridged)));
    assert!(matches!(world.check(&[&all[..], &all[..1]].concat(), "twice"), Err(LinkError::Bridged)));
    assert!(!world.path("fewer").exists() && !world.path("fewer.partial").exists());
    // One batch too few in the bridge of ndb.
    let second = world.batches.remove(1);
    let fewer = world.bridges("2");
    assert!(matches!(world.check(&fewer, "other"), Err(LinkError::Other { .. })));
    world.batches.insert(1, second);
    assert!(matches!(world.check(&fewer, "less"), Err(LinkError::Bridged)));
}

#[test]
fn a_bridge_is_believed_from_its_holder_alone() {
    let world = World::new(&FILES);
    world.link().unwrap();
    world.begin(None);
    let bridges = world.bridges("1");
    let (ndb, ltc) = (bridges[2].clone(), bridges[1].clone());
    // The same bytes, signed by another holder that the zone trusts as another.
    fs::copy(ltc.join("bridge.sig"), ndb.join("bridge.sig")).unwrap();
    assert!(matches!(world.check(&bridges, "one"), Err(LinkError::Signature { .. })));
    crate::delivery::sign(&ndb.join(BRIDGE), &world.holders["ltc"].signing("sign").unwrap()).unwrap();
    assert!(matches!(world.check(&bridges, "two"), Err(LinkError::Signature { .. })));
    assert!(matches!(link::remove_bridge(&world.linkage, &ndb), Err(LinkError::Signature { .. })));
    assert!(ndb.join(BRIDGE).exists());
    let removed = link::remove_bridge(&world.linkage, &ltc).unwrap();
    assert_eq!(removed.source, "ltc");
    assert!(!ltc.exists());
}

#[test]
fn an_interrupted_renewal_is_completed_or_forgotten() {
    let world = World::new(&FILES[..1]);
    world.link().unwrap();
    let before = manifest(&world, 0);
    assert!(world.renew(0).unwrap().unchanged, "the current epoch");
    world.begin(None);
    world.check(&world.bridges("1"), "verdict").unwrap();
    let keys = &world.holders["ndb"];
    let mut epochs = Epochs::open(keys).unwrap();
    epochs.verify(&verdict(&world, "verdict", "ndb")).unwrap();
    epochs.switch().unwrap();
    assert!(matches!(epochs.state().rotation, Stage::Switched { .. }));
    drop(epochs);

    let folder = world.batches[0].1.clone();
    let staged = folder.join(".renewed");
    fs::create_dir(&staged).unwrap();
    durable::replace(&staged.join("tokens.arrow.age"), b"cut").unwrap();
    assert!(!world.renew(0).unwrap().unchanged);
    let after = manifest(&world, 0);
    assert!(!staged.exists() && after.epoch != before.epoch && after.batch == before.batch);
    assert_eq!(after.files.len(), before.files.len());

    // Stopped between two moves: the next run moves the rest.
    fs::create_dir(&staged).unwrap();
    for name in ["batch.json", "batch.sig"] {
        fs::rename(folder.join(name), staged.join(name)).unwrap();
    }
    durable::replace(&staged.join("ready"), b"").unwrap();
    assert!(world.renew(0).unwrap().unchanged);
    assert_eq!(manifest(&world, 0), after);
}

#[test]
fn a_foreign_batch_or_place_is_refused() {
    let world = World::new(&FILES);
    world.begin(None);
    let (ndb, ltc) = (&world.holders["ndb"], &world.batches[2].1);
    let made = |batches: &[PathBuf], out: &str| {
        bridge(&BridgeJob { keys: ndb, batches, link_to: world.linkage.recipient().unwrap(), out: &world.path(out) })
    };
    assert!(matches!(made(std::slice::from_ref(ltc), "a"), Err(HolderError::Batch(_))), "another holder's");
    let own = world.batches[0].1.clone();
    assert!(matches!(made(&[own.clone(), own.clone()], "b"), Err(HolderError::Mixed { what: "name", .. })));
    assert!(matches!(made(&[], "c"), Err(HolderError::Mixed { what: "batches", .. })));
    assert!(matches!(made(std::slice::from_ref(&own), "ndb-0"), Err(HolderError::Exists { .. })));
    // Identities that are not those of the manifest.
    let other = world.batches[1].1.join("holder/identities.arrow.age");
    fs::copy(other, own.join("holder/identities.arrow.age")).unwrap();
    assert!(matches!(made(&[own], "d"), Err(HolderError::Short { .. })));
    assert!(!world.path("d").exists() && !world.path("d.partial").exists());
}
