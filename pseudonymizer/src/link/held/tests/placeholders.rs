//! Tokens that become placeholders, and cease to be.

use super::*;

/// A number under which ever more persons are kept turns into a placeholder, and what it had joined falls apart.
#[test]
fn a_token_that_becomes_a_placeholder_parts_its_atoms() {
    for small in [0, u64::MAX] {
        let zones = Zones::new();
        let crowd: Vec<Atom> = (0..60).map(|n| atom(&format!("{n} dpc a3=n{n} d1=0000"))).collect();
        let labels: Vec<u8> = (0..60).map(|n| n / 10).collect();
        let folders = batches(&zones, &crowd, &labels);
        let reports = folders.iter().map(|folder| add(&zones, "link", std::slice::from_ref(folder), small).unwrap());
        let reports: Vec<LinkReport> = reports.collect();
        let first = reports.first().unwrap();
        assert_eq!((first.persons, first.hubs.len()), (1, 0));
        let last = reports.last().unwrap();
        assert_eq!((last.persons, last.hubs.get("d1")), (60, Some(&1)));
        // Without forty of them it is none, and they are no more than one person can be.
        let out = zones.path("link");
        for batch in ["b0-2", "b2-2", "b4-2", "b5-2"] {
            let what = Forgotten::Batch(batch);
            forget(&ForgetJob { keys: &zones.linkage, out: &out, what, policy: policy() }, Timestamp::UNIX_EPOCH)
                .unwrap();
        }
        assert_eq!(sets(&persons(&zones, "link")).len(), 1);
        let more = zones.tokens("more", "dpc", &[atom("99 dpc d1=0000")], &[]);
        let report = add(&zones, "link", &[more], small).unwrap();
        assert_eq!((report.persons, report.atoms), (1, 21));
    }
}

/// A word under which ever more persons are kept says nothing of any of them, in whatever batches they come and whichever of them a
/// batch touches: two atoms of one number that it seemed to tell apart are one person from then on, and two again once it is rare.
#[test]
fn a_name_that_becomes_a_placeholder_is_none_for_anybody() {
    let crowd =
        |from: u32, to: u32| (from..to).map(|n| atom(&format!("{n} ndb a3=n{n} b1=unknown"))).collect::<Vec<_>>();
    let first = [crowd(10, 200), vec![atom("1 ndb a3=x b1=unknown"), atom("2 ndb a3=x b1=yamada")]].concat();
    let batches = [("first", first), ("second", crowd(200, 230)), ("third", vec![atom("3 ndb a3=x")])];
    for small in [0, u64::MAX] {
        let zones = Zones::new();
        let folders: Vec<PathBuf> = batches.iter().map(|(name, rows)| zones.tokens(name, "ndb", rows, &[])).collect();
        let is_one = |out: &str| {
            let keys = persons(&zones, out);
            keys[&atom_id(1)] == keys[&atom_id(2)]
        };
        let mut seen = Vec::new();
        for (at, folder) in folders.iter().enumerate() {
            let grown = add(&zones, "link", std::slice::from_ref(folder), small).unwrap();
            let name = format!("at-once-{at}");
            let at_once = add(&zones, &name, &folders[..=at], small).unwrap();
            seen.push((is_one("link"), is_one(&name)));
            assert_eq!(counted(&grown), counted(&at_once));
            assert_eq!(sets(&persons(&zones, "link")), sets(&persons(&zones, &name)));
        }
        assert_eq!(seen, [(false, false), (true, true), (true, true)]);
        let (out, what) = (zones.path("link"), Forgotten::Batch("second"));
        let job = ForgetJob { keys: &zones.linkage, out: &out, what, policy: policy() };
        let grown = forget(&job, Timestamp::UNIX_EPOCH).unwrap();
        let never = add(&zones, "never", &[folders[0].clone(), folders[2].clone()], small).unwrap();
        assert_eq!((is_one("link"), is_one("never"), counted(&grown)), (false, false, counted(&never)));
        assert_eq!(sets(&persons(&zones, "link")), sets(&persons(&zones, "never")));
    }
}
