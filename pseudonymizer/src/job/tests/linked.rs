//! From the sample files to persons: pseudonymized here, linked next door, compared with `truth.tsv`.

use jiff::civil::date;

use super::*;
use crate::link::{self, LinkJob};

/// Person keys by atom.
fn link(world: &World, batches: &[&Batch]) -> BTreeMap<Vec<u8>, u64> {
    let tokens: Vec<PathBuf> = batches.iter().map(|batch| batch.folder.join("tokens")).collect();
    let out = world.dir.path().join("link");
    let signer = world.holder.signing("sign").unwrap().verifying();
    for batch in batches {
        world.linkage.trust(&batch.report.source, &signer).unwrap();
    }
    let job = LinkJob::new(&world.linkage, &out, &tokens, link::fixture::policy());
    link::run(&job, Timestamp::UNIX_EPOCH, &mut |_| {}).unwrap();
    let crosswalk = link::fixture::crosswalk(&out, &world.enclave);
    crosswalk.into_iter().map(|(atom, (key, _))| (atom.to_vec(), key.unwrap())).collect()
}

#[test]
fn the_five_persons_of_the_samples_are_found() {
    let world = World::new();
    let ndb = world.run("ndb", &["RECEIPTC_200910_wareki.UKE", "RECEIPTC_202207.UKE", "RECEIPTC_202209.UKE"]);
    let ltc = world.run("ltc", &["i2208a.csv", "nintei_head18.csv"]);
    let crosswalk = link(&world, &[&ndb, &ltc]);
    let born: BTreeMap<Vec<u8>, Option<i32>> =
        ndb.atoms("person").into_iter().zip(ndb.days("person", "birth_date")).collect();
    let mut persons: BTreeMap<Option<i32>, Vec<u64>> = BTreeMap::new();
    for atom in ndb.atoms("ndb.claims") {
        persons.entry(born[&atom]).or_default().push(crosswalk[&atom]);
    }
    let of = |y, m, d| &persons[&Some(catalog::codes::days(date(y, m, d)))];
    let distinct = |keys: &[u64]| (keys.len(), keys.iter().collect::<HashSet<_>>().len());
    assert_eq!(distinct(of(1958, 3, 14)), (3, 1), "widths, eras");
    assert_eq!(distinct(of(1944, 11, 2)), (3, 1), "another insurer, a lost zero");
    assert_eq!(distinct(of(1979, 7, 29)), (2, 1), "a lost zero, a variant kanji");
    assert_eq!(distinct(of(2016, 5, 5)), (2, 2), "the twins stay two");
    let p2 = of(1944, 11, 2)[0];
    for table in ["ltc.claims", "ltc.certifications"] {
        assert_eq!(crosswalk[&ltc.atoms(table)[0]], p2, "{table} by the kana of the certification");
    }
}
