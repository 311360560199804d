//! From the sample files to persons: pseudonymized here, linked next door, compared with `truth.tsv`.

use arrow::datatypes::UInt64Type;

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
    let job = LinkJob { keys: &world.linkage, out: &out, tokens: &tokens };
    link::run(&job, Timestamp::UNIX_EPOCH, &mut |_| {}).unwrap();
    let crosswalk = read(&out.join("crosswalk.arrow.age"), &world.enclave.seal().unwrap());
    let atoms = crosswalk.column_by_name("atom").unwrap().as_fixed_size_binary();
    let keys = crosswalk.column_by_name("person_key").unwrap().as_primitive::<UInt64Type>();
    (0..atoms.len()).map(|row| (atoms.value(row).to_vec(), keys.value(row))).collect()
}

#[test]
fn the_five_persons_of_the_samples_are_found() {
    let world = World::new();
    let ndb = world.run("ndb", &["RECEIPTC_200910_wareki.UKE", "RECEIPTC_202207.UKE", "RECEIPTC_202209.UKE"]);
    let ltc = world.run("ltc", &["i2208a.csv", "nintei_head18.csv"]);
    let crosswalk = link(&world, &[&ndb, &ltc]);
    let claims: Vec<u64> = ndb.atoms("ndb.claims").iter().map(|atom| crosswalk[atom]).collect();
    for (row, key) in claims.iter().enumerate() { println!("{row} {key} {:?} {:?} {:?} {:?}", ndb.days("ndb.claims","service_month")[row], ndb.ints("ndb.claims","age")[row], ndb.text("ndb.claims","sex")[row], ndb.ints("ndb.claims","points")[row]); }
    let [p1_then, p2_then, p1, p2, p3, p4, p5, p1_after, p3_after, p2_after] = claims[..] else {
        panic!("ten claims");
    };
    assert_eq!([p1_then, p1], [p1_after, p1_after], "widths, eras");
    assert_eq!([p2_then, p2], [p2_after, p2_after], "another insurer, a lost zero");
    assert_eq!(p3, p3_after, "a lost zero, a variant kanji");
    assert_eq!(HashSet::from([p1, p2, p3, p4, p5]).len(), 5, "the twins stay two");
    for table in ["ltc.claims", "ltc.certifications"] {
        assert_eq!(crosswalk[&ltc.atoms(table)[0]], p2, "{table} by the kana of the certification");
    }
}
