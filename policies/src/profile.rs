//! Disclosure profiles: the parameters of the veil, named by the permit, kept as files in `policies/profiles/`.

mod origin;
mod preview;

use serde::{Deserialize, Serialize};

pub use origin::{Check, Origin, Status};
pub use preview::PreviewParameters;

/// Parameters of the veil's rules (disclosure.md, sections 2 to 4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Name, as permits write it.
    pub name: String,
    /// Distinct persons a cell needs (V-MINP). NDB guideline: fewer than 10 are not shown.
    pub min_persons: u64,
    /// Distinct institutions a cell needs (V-MININST); 0 where the rule is not asked. LTC guideline: at least 3.
    pub min_institutions: u64,
    /// (n,k): the n largest persons may not hold more than this share of the total (V-DOM; ACRO 1.0.1: 2, 0.90).
    pub dominance_n: usize,
    /// See `dominance_n`.
    pub dominance_k: f64,
    /// p %: what is left after the two largest must exceed this share of the largest (V-DOM; ACRO: 0.10).
    pub p_ratio: f64,
    /// Rows of an answer at most.
    pub max_rows: u64,
    /// Groups that may reach a veil at most.
    pub max_groups: u64,
    /// Exact sums are rounded to the base nearest this share of the mean of the second to fourth largest person (V-ROUNDSUM;
    /// disclosure.md, 4b); 0 where they are not rounded.
    pub round_sums: f64,
    /// How much a project may ask.
    pub budget: Budget,
    /// How preview answers are perturbed.
    #[serde(default)]
    pub preview: PreviewParameters,
    /// Where the parameters come from, and who has checked them.
    pub origin: Origin,
}

/// How much a project may ask (V-BUDGET; disclosure.md, 4g).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// New exact cells a day.
    pub cells_a_day: u64,
    /// Queries that differ in their literals alone; more where every cell has more than ten times as many persons.
    pub variants: u64,
    /// Most recent exact cells whose sums and differences are compared with a new one.
    pub window: usize,
}

/// Counts that a cell for everybody needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicCounts {
    /// Distinct persons.
    pub min_persons: u64,
    /// Distinct institutions.
    pub min_institutions: u64,
}

/// There is no profile of that name.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file does not parse.
    #[error("the disclosure profile {0} cannot be read")]
    Broken(&'static str),
    /// Unknown name.
    #[error(
        "there is no disclosure profile of that name; known are standard, ndb-publication-2024 and ltc-publication"
    )]
    Unknown,
}

const FILES: [(&str, &str); 3] = [
    ("standard", include_str!("../profiles/standard.toml")),
    ("ndb-publication-2024", include_str!("../profiles/ndb-publication-2024.toml")),
    ("ltc-publication", include_str!("../profiles/ltc-publication.toml")),
];

impl Profile {
    /// The profile of that name.
    pub fn named(name: &str) -> Result<Self, ProfileError> {
        let (name, text) = FILES.iter().find(|(known, _)| *known == name).ok_or(ProfileError::Unknown)?;
        toml::from_str(text).map_err(|_| ProfileError::Broken(name))
    }

    /// The strictest counts of all profiles: for what everybody may see.
    pub fn strictest() -> Result<PublicCounts, ProfileError> {
        let mut strictest = PublicCounts { min_persons: 0, min_institutions: 0 };
        for name in Self::names() {
            let profile = Self::named(name)?;
            strictest.min_persons = strictest.min_persons.max(profile.min_persons);
            strictest.min_institutions = strictest.min_institutions.max(profile.min_institutions);
        }
        Ok(strictest)
    }

    /// Names of all profiles.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FILES.iter().map(|(name, _)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_reads_and_asks_for_ten_persons() {
        for name in Profile::names() {
            let profile = Profile::named(name).unwrap();
            assert_eq!(profile.name, name);
            assert!(profile.min_persons >= 10);
            // The largest of one sign are kept for two persons.
            assert!((1..=2).contains(&profile.dominance_n));
            let strictest = Profile::strictest().unwrap();
            assert!(profile.min_persons <= strictest.min_persons);
            assert!(profile.min_institutions <= strictest.min_institutions);
        }
    }
}
