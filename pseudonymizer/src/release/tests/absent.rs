//! Releases without the persons who object.

use super::*;

#[test]
fn rows_of_who_stays_out_are_left_out_and_counted() {
    let world = World::new(30);
    let before = world.release("ndb");
    let atoms: Vec<_> = (0..60).map(|n| atom(&format!("{n} ndb 2020-01..2020-12 a3=n{}", n / 2))).collect();
    let at = "2026-03-01T00:00:00Z";
    let tokens = [world.zones.tokens_with("b1", "ndb", &atoms, &[atom("0 ndb a3=n7")], at)];
    let out = world.zones.path("link");
    let job = LinkJob::new(&world.zones.linkage, &out, &tokens, crate::link::fixture::policy());
    let changed = crate::link::run(&job, Timestamp::UNIX_EPOCH, &mut |_| {});
    assert!(matches!(changed, Err(crate::link::LinkError::Changed { .. })));
    let job = LinkJob { rebuild: true, ..job };
    crate::link::run(&job, Timestamp::UNIX_EPOCH, &mut |_| {}).unwrap();

    let mut absent = 0;
    let mut release = |dataset: &str| {
        let done = world.release_with(dataset, None, &mut |progress| {
            absent = progress.absent;
            true
        });
        (done.unwrap(), absent)
    };
    let (after, rows) = release("ndb");
    assert_eq!((after.tables["ndb.claims"].rows, after.tables["ndb.claims"].persons), (58, Some(29)));
    assert_eq!((after.tables["ndb.diagnoses"].rows, rows), (116, 6));
    let persons = |manifest: &Manifest| -> HashSet<u64> {
        let rows = world.read_all(manifest, "ndb.claims");
        rows.iter()
            .flat_map(|(_, rows)| column(rows, "person_key").as_primitive::<UInt64Type>().values().to_vec())
            .collect()
    };
    let (all, left) = (persons(&before), persons(&after));
    assert!(left.is_subset(&all) && all.len() == 30 && left.len() == 29 && !left.contains(&0));
    let (person, rows) = release("person");
    assert_eq!((person.tables["person.ndb"].persons, rows), (Some(29), 2));

    // An atom that was never linked is still another thing.
    let schema = catalog::person_facts_schema();
    world.write("person", &schema, &[(14, [("sex", "1")]), (99, [("sex", "1")])]);
    world.sign();
    let refused = world.release_with("person", None, &mut |_| true);
    assert!(matches!(refused, Err(ReleaseError::Unlinked { atoms: 1, .. })));
}
