//! Components that share a token, and which of them are one person: nearest in time first, and nobody who fits two.

use policies::LinkagePolicy;

use super::super::components::Veto;
use super::summary::Summary;

/// What speaks against two components that share a token.
pub(super) type Conflict = fn(&Summary, &Summary, &LinkagePolicy) -> Option<Veto>;

/// Whether being nearer in time makes one of two rivals the right one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nearness {
    Counts,
    Ignored,
}

/// How components that share a token are told apart.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    pub(super) nearness: Nearness,
    pub(super) conflict: Conflict,
}

/// Every pair of components that share a token: how far apart in time, and what speaks against it.
pub(super) struct Rivals {
    size: usize,
    nearness: Nearness,
    /// Months by which a rival must be farther away to be none.
    margin: i32,
    pairs: Vec<(i32, Option<Veto>)>,
}

impl Rivals {
    pub(super) fn new(summaries: &[Summary], rule: Rule, policy: &LinkagePolicy) -> Self {
        let pairs = summaries.iter().enumerate().flat_map(|(at, a)| {
            summaries.iter().enumerate().map(move |(other, b)| {
                let against = if at == other { None } else { (rule.conflict)(a, b, policy) };
                (a.gap(b), against)
            })
        });
        let pairs = pairs.collect();
        Self { size: summaries.len(), nearness: rule.nearness, margin: policy.sequence_months_max, pairs }
    }

    fn pair(&self, a: usize, b: usize) -> (i32, Option<Veto>) {
        self.pairs.get(a * self.size + b).copied().unwrap_or((0, None))
    }

    pub(super) fn nearest_first(&self) -> Vec<(usize, usize)> {
        let mut all: Vec<(usize, usize)> =
            (0..self.size).flat_map(|a| (a + 1..self.size).map(move |b| (a, b))).collect();
        all.sort_by_key(|&(a, b)| (self.pair(a, b).0, a, b));
        all
    }

    pub(super) fn veto(&self, (a, b): (usize, usize)) -> Option<Veto> {
        let ambiguous = || self.has_rival(a, b) || self.has_rival(b, a) || self.is_anybodys(a, b);
        self.pair(a, b).1.or_else(|| ambiguous().then_some(Veto::Ambiguous))
    }

    /// Whether neither of two says whose it is, under a number that several persons share: they may be one of each.
    fn is_anybodys(&self, a: usize, b: usize) -> bool {
        let contested = |at: usize| (0..self.size).any(|other| self.pair(at, other).1.is_some());
        self.nearness == Nearness::Ignored && !contested(a) && !contested(b) && (0..self.size).any(contested)
    }

    /// Whether a third one fits `a` about as well as `b` does, and cannot be the same person as `b`.
    fn has_rival(&self, a: usize, b: usize) -> bool {
        (0..self.size).filter(|third| *third != a && *third != b).any(|third| {
            let (gap, against) = self.pair(a, third);
            let near = self.nearness == Nearness::Ignored || gap <= self.pair(a, b).0 + self.margin;
            against.is_none() && near && self.pair(b, third).1.is_some()
        })
    }
}
