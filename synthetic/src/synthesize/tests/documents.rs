//! Documents of the health record in the truth.

use super::*;

/// Documents of the three kinds with the six kinds of information.
#[test]
fn the_health_record_has_documents_of_every_kind() {
    let world = shared();
    let folder = world.0.path().join("truth/ehr");
    let kinds: BTreeSet<Option<String>> = texts(&read(&folder.join("documents.parquet")), "kind").into_iter().collect();
    let words = |list: &[&str]| list.iter().map(|word| Some((*word).to_owned())).collect::<BTreeSet<_>>();
    assert_eq!(kinds, words(&["checkup", "discharge_summary", "referral"]));
    let observed = read(&folder.join("observations.parquet"));
    let categories: BTreeSet<Option<String>> = texts(&observed, "category").into_iter().collect();
    assert_eq!(categories, words(&["checkup", "infection", "laboratory"]));
    let allergies = read(&folder.join("allergies.parquet"));
    let critical: BTreeSet<Option<String>> = texts(&allergies, "criticality").into_iter().collect();
    assert_eq!(critical, words(&["high", "low"]));
}
