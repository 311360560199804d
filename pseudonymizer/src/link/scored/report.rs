//! What the scored tier found: counts and estimates, nothing of any pair.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use policies::LinkagePolicy;

use super::pairs::Counts;
use crate::link::evidence::ScoredPair;

/// Of one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScoredReport {
    /// Pairs of atoms of different components that share a composite.
    pub candidates: u64,
    /// Those that the policy would join.
    pub accepted: u64,
    /// Those that are to be asked about.
    pub grey: u64,
    /// Accepted ones that are asked about after all, because they would bring together what other pairs tell apart.
    pub contradicted: u64,
    /// Share of the accepted pairs that are one person, as the model estimates; none where there is no pair.
    pub precision: Option<f64>,
    /// Share of all candidate pairs of one person that are accepted, as the model estimates.
    pub recall: Option<f64>,
    /// Candidates by posterior probability, from the least to the surest.
    pub calibration: Vec<Bin>,
    /// Tokens set aside because too many shared them, by kind.
    pub hubs: BTreeMap<String, u64>,
}

/// Pairs of one range of posterior probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// From this probability on.
    pub from: f64,
    /// Up to this one.
    pub to: f64,
    /// Pairs.
    pub pairs: u64,
    /// How many of them are one person, as the model estimates.
    pub persons: f64,
}

/// Where the ranges begin.
const FROM: [f64; 9] = [0.0, 0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999];

/// Counts pairs as they are scored.
pub(super) struct Tally {
    bins: Vec<Bin>,
    accept: i32,
    grey: i32,
    report: ScoredReport,
    persons_accepted: f64,
}

impl Tally {
    pub(super) fn new(policy: &LinkagePolicy) -> Self {
        let ends = FROM.iter().skip(1).copied().chain([1.0]);
        Self {
            bins: FROM.iter().zip(ends).map(|(from, to)| Bin { from: *from, to, ..Bin::default() }).collect(),
            accept: ScoredPair::weight_of(policy.score.accept),
            grey: ScoredPair::weight_of(policy.score.grey),
            report: ScoredReport::default(),
            persons_accepted: 0.0,
        }
    }

    /// Counts so many pairs of one weight; sums follow the order of the calls.
    pub(super) fn add(&mut self, weight: i32, pairs: u64) {
        let probability = ScoredPair::probability_of(weight);
        #[expect(clippy::cast_precision_loss, reason = "pairs of a run are far fewer than 2^52")]
        let persons = probability * pairs as f64;
        if let Some(bin) = self.bins.iter_mut().rev().find(|bin| bin.from <= probability) {
            bin.pairs += pairs;
            bin.persons += persons;
        }
        self.report.candidates += pairs;
        if weight >= self.accept {
            self.report.accepted += pairs;
            self.persons_accepted += persons;
        } else if weight >= self.grey {
            self.report.grey += pairs;
        }
    }

    pub(super) fn finish(self, counts: &Counts) -> ScoredReport {
        let persons: f64 = self.bins.iter().map(|bin| bin.persons).sum();
        #[expect(clippy::cast_precision_loss, reason = "pairs of a run are far fewer than 2^52")]
        let accepted = self.report.accepted as f64;
        ScoredReport {
            precision: (accepted > 0.0).then(|| self.persons_accepted / accepted),
            recall: (persons > 0.0).then(|| self.persons_accepted / persons),
            calibration: self.bins,
            hubs: counts.hubs.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect(),
            ..self.report
        }
    }
}
