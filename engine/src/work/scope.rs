//! Under what a workspace table was made, and whether a permit still covers that.

use std::collections::{BTreeMap, BTreeSet};

use policies::{Permit, RowFilter, Tier};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Tables that were read, and their columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Sources(pub(crate) BTreeMap<String, BTreeSet<String>>);

impl Sources {
    /// Adds what another was made from.
    pub(crate) fn extend(&mut self, other: &Self) {
        for (table, columns) in &other.0 {
            self.0.entry(table.clone()).or_default().extend(columns.iter().cloned());
        }
    }
}

/// What of a permit an object depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scope {
    tier: Tier,
    /// SHA-256 (hex) of the permit's row filter, which is inside the rows.
    row_filter: String,
    datasets: BTreeMap<String, Pinned>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pinned {
    release: String,
    tables: BTreeMap<String, BTreeSet<String>>,
}

impl Scope {
    /// The part of a permit that was read from. `None`: something was read that the permit does not pin.
    pub(crate) fn of(permit: &Permit, sources: &Sources) -> Option<Self> {
        let mut datasets: BTreeMap<String, Pinned> = BTreeMap::new();
        for (table, columns) in &sources.0 {
            let dataset = table.split_once('.').map_or(table.as_str(), |(dataset, _)| dataset);
            let release = &permit.datasets.get(dataset)?.release;
            let pinned = datasets.entry(dataset.to_owned());
            let pinned = pinned.or_insert_with(|| Pinned { release: release.clone(), tables: BTreeMap::new() });
            pinned.tables.insert(table.clone(), columns.clone());
        }
        // `person` is merged from whatever databases the permit grants.
        if sources.0.contains_key("person") {
            let sources = catalog::sources();
            for (dataset, grant) in permit.datasets.iter().filter(|(name, _)| sources.contains(&name.as_str())) {
                let pinned = Pinned { release: grant.release.clone(), tables: BTreeMap::new() };
                datasets.entry(dataset.clone()).or_insert(pinned);
            }
        }
        Some(Self { tier: permit.tier, row_filter: digest(&permit.row_filter)?, datasets })
    }

    /// Whether everything that was read is still granted, in the same releases, behind the same filter.
    pub(crate) fn is_within(&self, permit: &Permit) -> bool {
        let covered = |(dataset, pinned): (&String, &Pinned)| {
            permit.datasets.get(dataset).is_some_and(|grant| {
                grant.release == pinned.release
                    && pinned.tables.iter().all(|(table, columns)| {
                        grant.tables.get(table).is_some_and(|granted| columns.is_subset(granted))
                    })
            })
        };
        let same = self.tier == permit.tier && digest(&permit.row_filter).as_ref() == Some(&self.row_filter);
        same && self.datasets.iter().all(covered)
    }
}

fn digest(filter: &[RowFilter]) -> Option<String> {
    serde_json::to_vec(filter).ok().map(|text| hex::encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::tests::{grant, permit};

    fn wide() -> Permit {
        let mut permit = permit(1, "a");
        permit.datasets.insert("ndb".to_owned(), grant(&[("ndb.claims", &["points", "prefecture"])]));
        permit.datasets.insert("ltc".to_owned(), grant(&[("ltc.claims", &["units"])]));
        permit.datasets.insert("person".to_owned(), grant(&[("person", &["sex"])]));
        permit
    }

    fn read(tables: &[(&str, &[&str])]) -> Sources {
        let columns = |columns: &[&str]| columns.iter().map(|column| (*column).to_owned()).collect();
        Sources(tables.iter().map(|(table, names)| ((*table).to_owned(), columns(names))).collect())
    }

    #[test]
    fn a_permit_that_lost_something_that_was_read_does_not_cover_it() {
        let scope = Scope::of(&wide(), &read(&[("ndb.claims", &["points"])])).unwrap();
        assert!(scope.is_within(&wide()));
        let check = |change: fn(&mut Permit), covered: bool| {
            let mut permit = wide();
            change(&mut permit);
            assert_eq!(scope.is_within(&permit), covered);
        };
        check(|p| p.datasets.get_mut("ndb").unwrap().release = "2027.1".to_owned(), false);
        check(|p| *p.datasets.get_mut("ndb").unwrap() = grant(&[("ndb.claims", &["prefecture"])]), false);
        check(|p| *p.datasets.get_mut("ndb").unwrap() = grant(&[("ndb.drugs", &["points"])]), false);
        check(|p| drop(p.datasets.remove("ndb")), false);
        check(|p| p.tier = Tier::Anonymized, false);
        let sex =
            || RowFilter { column: "sex".to_owned(), any_of: BTreeSet::from(["1".to_owned()]), from: None, to: None };
        let mut filtered = wide();
        filtered.row_filter.push(sex());
        assert!(!scope.is_within(&filtered));
        check(|p| drop(p.datasets.remove("ltc")), true);
        check(|p| *p.datasets.get_mut("ndb").unwrap() = grant(&[("ndb.claims", &["points"])]), true);
    }

    #[test]
    fn persons_depend_on_every_database_that_was_granted() {
        let scope = Scope::of(&wide(), &read(&[("person", &["sex"])])).unwrap();
        assert!(scope.is_within(&wide()));
        let mut narrower = wide();
        narrower.datasets.remove("ltc");
        assert!(!scope.is_within(&narrower));
        assert!(Scope::of(&narrower, &read(&[("ltc.claims", &["units"])])).is_none());
    }
}
