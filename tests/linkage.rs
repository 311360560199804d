//! Linkage with realistic identifier errors, against the truth: a test's work, since the zone itself knows no truth.

use crate::plain;
use crate::world::{PERSONS, path, prepared, python};

/// Subgroups of fewer persons say little: one divided person more or less would decide.
const SUBGROUP_PERSONS: u64 = 60;

#[test]
fn few_persons_are_split_and_fewer_are_mixed() {
    for (errors, precision, recall, worst) in [("none", 1.0, 1.0, 1.0), ("realistic", 0.9995, 0.99, 0.98)] {
        let world = prepared(PERSONS, errors);
        let out = tempfile::tempdir().unwrap();
        plain::write(&world, out.path());
        let figures = &python("linkage.py", &[path(&world.join("truth")), path(out.path())])[0];
        assert!(figures["pairs"].as_u64().unwrap() > 100_000, "{figures}");
        assert!(figures["precision"].as_f64().unwrap() >= precision, "{errors}: {figures}");
        assert!(figures["recall"].as_f64().unwrap() >= recall, "{errors}: {figures}");
        let subgroups = figures["subgroups"].as_object().unwrap();
        let judged = subgroups.values().filter(|of| of["persons"].as_u64().unwrap() >= SUBGROUP_PERSONS);
        let recalls: Vec<f64> = judged.map(|of| of["recall"].as_f64().unwrap()).collect();
        assert!(recalls.len() >= 10, "subgroups by six bands of age and two sexes: {figures}");
        assert!(recalls.iter().all(|recall| *recall >= worst), "{errors}: {figures}");
    }
}
