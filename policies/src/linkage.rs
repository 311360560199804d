//! How persons are linked from tokens: thresholds and caps, in `policies/linkage.toml`.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const SHIPPED: &str = include_str!("../linkage.toml");

/// Thresholds and caps of linkage. A crosswalk's report names the digest of the file that they came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkagePolicy {
    /// Of the rules; a new one asks for a full pass.
    pub version: String,
    /// Months that two insurer lines of one person may overlap.
    pub overlap_months_max: i32,
    /// Months by which the nearer of two that could follow must be nearer.
    pub sequence_months_max: i32,
    /// Months between two names under one insured number that may be one person's.
    pub renamed_months_max: i32,
    /// Months for which nobody else is given a chart's number.
    pub chart_kept_months: i32,
    /// When a token is a placeholder.
    pub hubs: Hubs,
    /// What one person can have had.
    pub caps: Caps,
    /// Which scored pairs are joined, asked about, or left.
    pub score: ScoreBands,
    /// When a release needs a steward's word.
    pub fairness: Fairness,
    /// How composites are scored.
    pub scored: ScoredTier,
}

/// How keyed composites are scored.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoredTier {
    /// A token that would make more pairs of atoms says nothing.
    pub pairs_per_token: usize,
    /// Pairs that the pooled parameters count for beside those of two sources.
    pub pooled_pairs: u32,
    /// Counts below this are left out of the published model.
    pub withheld: u64,
    /// A pair with a probability of at most this is two persons.
    pub apart: f64,
    /// A rival lighter by more than this, in bits, is none.
    pub rival_bits: u8,
}

/// A token that more than so many share is a placeholder or a leak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hubs {
    /// Atoms, whatever they say.
    pub atoms: usize,
    /// Atoms that say as many different insured numbers or names.
    pub identities: usize,
    /// Components, for a token of a name.
    pub components: usize,
}

/// What one person can have had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caps {
    /// Medical insurer lines.
    pub insurer_lines: usize,
    /// Family names.
    pub family_names: usize,
    /// Birth dates.
    pub births: usize,
    /// Atoms, whatever they say.
    pub atoms: usize,
}

/// Probabilities that a scored pair is one person.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreBands {
    /// From here on the pair is joined.
    pub accept: f64,
    /// From here on it is asked about.
    pub grey: f64,
    /// Bits by which the heavier of two that exclude each other must be heavier.
    pub margin_bits: f64,
}

impl ScoreBands {
    /// The margin in thousandths of bits, as weights are.
    pub fn margin(&self) -> i32 {
        #[expect(clippy::cast_possible_truncation, reason = "checked when it was read")]
        let margin = (self.margin_bits * 1000.0).round() as i32;
        margin
    }
}

/// What a release may lose.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fairness {
    /// Percentage points by which the worst subgroup's linkage rate may fall without a steward's word.
    pub fall_points: f64,
}

/// The file is no policy of linkage.
#[derive(Debug, thiserror::Error)]
pub enum LinkagePolicyError {
    /// Not TOML of this shape.
    #[error("the policy of linkage cannot be read")]
    Form(#[source] Box<toml::de::Error>),
    /// A value out of its range.
    #[error("the policy of linkage has {0} out of its range")]
    Range(&'static str),
}

impl LinkagePolicy {
    /// The policy that is built in.
    pub fn shipped() -> Result<Self, LinkagePolicyError> {
        Self::read(SHIPPED)
    }

    /// Reads and checks a policy.
    pub fn read(text: &str) -> Result<Self, LinkagePolicyError> {
        let policy: Self = toml::from_str(text).map_err(|cause| LinkagePolicyError::Form(Box::new(cause)))?;
        policy.check().map_or(Ok(policy), |what| Err(LinkagePolicyError::Range(what)))
    }

    fn check(&self) -> Option<&'static str> {
        let ScoreBands { accept, grey, margin_bits } = self.score;
        let checks = [
            ("overlap_months_max", (0..=24).contains(&self.overlap_months_max)),
            ("sequence_months_max", (0..=24).contains(&self.sequence_months_max)),
            ("renamed_months_max", (0..=600).contains(&self.renamed_months_max)),
            ("chart_kept_months", (0..=600).contains(&self.chart_kept_months)),
            ("hubs", self.hubs.atoms > 1 && self.hubs.identities > 1 && self.hubs.components > 1),
            ("caps", self.caps.insurer_lines > 0 && self.caps.family_names > 0 && self.caps.births > 0),
            ("caps.atoms", self.caps.atoms > 1),
            ("score.margin_bits", (0.0..=32.0).contains(&margin_bits)),
            ("score.accept", (0.5..=1.0).contains(&accept)),
            ("score.grey", grey > 0.0 && grey <= accept),
            ("scored", self.scored.pairs_per_token > 0 && self.scored.pooled_pairs > 0),
            ("scored.apart", (0.0..grey).contains(&self.scored.apart)),
            ("fairness.fall_points", (0.0..=100.0).contains(&self.fairness.fall_points)),
        ];
        checks.into_iter().find_map(|(what, holds)| (!holds).then_some(what))
    }

    /// SHA-256 of the policy in its canonical form, hexadecimal.
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(serde_json::to_vec(self).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_policy_reads_and_broken_ones_do_not() {
        let policy = LinkagePolicy::shipped().unwrap();
        assert_eq!(policy.digest(), LinkagePolicy::read(SHIPPED).unwrap().digest());
        for (from, to) in [
            ("accept = 0.99", "accept = nan"),
            ("accept = 0.99", "accept = 0.4"),
            ("grey = 0.5", "grey = 0.995"),
            ("atoms = 200", "atoms = 0"),
            ("births = 2", "births = 0"),
            ("fall_points = 2.0", "fall_points = -1.0"),
            ("births = 2", "births = 2\nbirth = 2"),
            ("pairs_per_token = 2000", "pairs_per_token = 0"),
            ("atoms = 1000", "atoms = 1"),
            ("margin_bits = 1.0", "margin_bits = nan"),
            ("chart_kept_months = 60", "chart_kept_months = -1"),
            ("sequence_months_max = 3", "sequence_months_max = -1"),
        ] {
            assert!(SHIPPED.contains(from));
            assert!(LinkagePolicy::read(&SHIPPED.replace(from, to)).is_err(), "{to}");
        }
        let other = LinkagePolicy::read(&SHIPPED.replace("accept = 0.99", "accept = 0.98")).unwrap();
        assert_ne!(policy.digest(), other.digest());
    }
}
