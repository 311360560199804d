//! Which atoms are one person. A pure function of the set of atoms: tiers of token kinds, from the surest to the least sure,
//! and in each the tokens in the order of their bytes.

use std::collections::{BTreeMap, HashSet};

use policies::LinkagePolicy;

use super::atoms::{Atoms, Kind};
use super::components::{Components, Summary, Veto};
use super::evidence::{Grey, ScoredPair, Verdict};

/// A number shared by atoms of more different persons' tokens than this is a placeholder or a leak; it joins nothing.
const HUB_IDENTITIES: usize = 40;
/// The same, for tokens whose atoms say nothing else (`research/pseudonymization-anchors.md`, part 2, hub tokens).
const HUB_ATOMS: usize = 200;
/// A name and birth date shared by more components than this is a placeholder or a very common name.
const HUB_COMPONENTS: usize = 12;

/// Who belongs together, and how that came about.
pub(crate) struct Partition {
    /// The least atom of each atom's component.
    pub(crate) roots: Vec<u32>,
    /// Unions by token kind.
    pub(crate) joined: BTreeMap<&'static str, u64>,
    /// Unions refused, by reason.
    pub(crate) vetoes: BTreeMap<&'static str, u64>,
    /// Tokens set aside, by kind.
    pub(crate) hubs: BTreeMap<&'static str, u64>,
    /// Pairs to be asked about, in the order of their weights.
    pub(crate) grey: Vec<Grey>,
}

/// Joins what tokens at rest and answers join; scored pairs come after it.
///
/// 0. Two atoms of which somebody who was asked said that they are one person.
///
/// 1. The same full insured number with branch (a1), or the same long-term care number (c1): one person.
/// 2. The same insured number without branch (a3), and then of the late elderly whatever the birth date (c2), or the same
///    national number (c3): one person, unless the names differ as twins' do: by more than marriage, which leaves the chart the
///    same. What shares a2 shares a3 too.
/// 3. The same chart at one institution (d1): one person, unless the names differ.
/// 4. The same strict kana (b1), then kanji (b2), with birth date and sex: one person, unless two insurer lines run side by
///    side for more than three months or a rival fits as well.
/// 5. The same loose kana (b3): only where exactly two components share it.
pub(crate) fn strong<'a>(atoms: &'a Atoms, policy: &'a LinkagePolicy, verdicts: &[Verdict]) -> Strong<'a> {
    let mut run = Run {
        atoms,
        policy,
        components: Components::new(atoms.len()),
        joined: BTreeMap::new(),
        vetoes: BTreeMap::new(),
        hubs: BTreeMap::new(),
    };
    for verdict in verdicts.iter().filter(|verdict| verdict.same) {
        if run.components.union(verdict.a, verdict.b) {
            count(&mut run.joined, "answer");
        }
    }
    for kind in [Kind::A1, Kind::C1] {
        run.numbers(kind, Run::join_all);
    }
    for kind in [Kind::A3, Kind::C2, Kind::C3] {
        run.numbers(kind, |run, kind, group| {
            run.join_named(kind, group, Nearness::Ignored, Summary::names_under_number);
        });
    }
    run.numbers(Kind::D1, |run, kind, group| run.join_named(kind, group, Nearness::Counts, Summary::names));
    for kind in [Kind::B1, Kind::B2] {
        run.names(kind);
    }
    run.loose_names();
    Strong(run)
}

/// What tokens at rest and answers have joined.
pub(crate) struct Strong<'a>(Run<'a>);

impl Strong<'_> {
    /// The least atom of each atom's component so far.
    pub(crate) fn roots(&mut self) -> Vec<u32> {
        (0..).take(self.0.atoms.len()).map(|atom| self.0.components.find(atom)).collect()
    }

    /// Joins scored pairs, the heaviest first, then by their atoms, so that the result is a function of the set of pairs
    /// (Kruskal 1956); what conflicts stays apart, and what is neither sure nor unlikely is left to be asked about.
    pub(crate) fn scored(self, pairs: &[ScoredPair]) -> Partition {
        let mut run = self.0;
        let mut order: Vec<&ScoredPair> = pairs.iter().collect();
        order.sort_unstable_by_key(|pair| (std::cmp::Reverse(pair.weight), pair.a, pair.b));
        let (accept, ask) = (run.policy.score.accept, run.policy.score.grey);
        let (accept, ask) = (ScoredPair::weight_of(accept), ScoredPair::weight_of(ask));
        let mut grey = Vec::new();
        for pair in order.into_iter().take_while(|pair| pair.weight >= ask) {
            let (a, b) = (run.components.find(pair.a), run.components.find(pair.b));
            if a == b {
                continue;
            }
            let against = run.summary(a).lines(&run.summary(b));
            if pair.weight < accept || against.is_some() {
                grey.push(Grey { pair: *pair, against });
            } else if run.components.union(a, b) {
                count(&mut run.joined, "scored");
            }
        }
        Partition { roots: run.components.roots(), joined: run.joined, vetoes: run.vetoes, hubs: run.hubs, grey }
    }
}

/// Whether being nearer in time makes one of two rivals the right one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nearness {
    Counts,
    Ignored,
}

struct Run<'a> {
    atoms: &'a Atoms,
    policy: &'a LinkagePolicy,
    components: Components,
    joined: BTreeMap<&'static str, u64>,
    vetoes: BTreeMap<&'static str, u64>,
    hubs: BTreeMap<&'static str, u64>,
}

impl Run<'_> {
    fn numbers(&mut self, kind: Kind, join: impl Fn(&mut Self, Kind, &[u32])) {
        for group in &self.atoms.groups(kind) {
            if self.is_hub(group) {
                count(&mut self.hubs, kind.name());
            } else {
                join(self, kind, group);
            }
        }
    }

    fn is_hub(&self, group: &[u32]) -> bool {
        let distinct =
            |kind| group.iter().filter_map(|atom| self.atoms.token(*atom, kind)).collect::<HashSet<_>>().len();
        group.len() > HUB_ATOMS
            || (group.len() > HUB_IDENTITIES
                && [Kind::A3, Kind::B1].into_iter().any(|kind| distinct(kind) > HUB_IDENTITIES))
    }

    fn join_all(&mut self, kind: Kind, group: &[u32]) {
        for pair in group.windows(2) {
            if let [a, b] = pair {
                self.union(kind, *a, *b);
            }
        }
    }

    /// Joins atoms of a number that have the same name, then what does not conflict.
    fn join_named(&mut self, kind: Kind, group: &[u32], nearness: Nearness, conflict: Conflict) {
        for name in [Kind::B1, Kind::B3, Kind::B2] {
            let mut named: Vec<(u32, u32)> =
                group.iter().filter_map(|atom| Some((self.atoms.token(*atom, name)?, *atom))).collect();
            named.sort_unstable();
            for pair in named.windows(2) {
                if let [(a_name, a), (b_name, b)] = pair
                    && a_name == b_name
                {
                    self.union(kind, *a, *b);
                }
            }
        }
        let components = self.distinct(group);
        self.settle(kind, &components, nearness, conflict);
    }

    fn names(&mut self, kind: Kind) {
        for group in &self.atoms.groups(kind) {
            let components = self.distinct(group);
            if components.len() > HUB_COMPONENTS {
                count(&mut self.hubs, kind.name());
            } else {
                self.settle(kind, &components, Nearness::Counts, Summary::lines);
            }
        }
    }

    fn loose_names(&mut self) {
        for group in &self.atoms.groups(Kind::B3) {
            match self.distinct(group)[..] {
                [] | [_] => {}
                [a, b] => self.settle(Kind::B3, &[a, b], Nearness::Counts, Summary::lines),
                _ => count(&mut self.vetoes, Veto::Ambiguous.name()),
            }
        }
    }

    /// Joins what fits among the components that share a token, nearest in time first. Where some do not fit, a component
    /// that fits two rivals equally well stays alone: a wrong person is worse than a divided one.
    fn settle(&mut self, kind: Kind, components: &[u32], nearness: Nearness, conflict: Conflict) {
        if components.len() < 2 {
            return;
        }
        let summaries: Vec<Summary> = components.iter().map(|root| self.summary(*root)).collect();
        let table = Rivals::new(&summaries, nearness, conflict);
        for pair in table.nearest_first() {
            let (Some(&a), Some(&b)) = (components.get(pair.0), components.get(pair.1)) else { continue };
            if self.components.find(a) == self.components.find(b) {
                continue;
            }
            let veto = table.veto(pair).or_else(|| conflict(&self.summary(a), &self.summary(b)));
            match veto {
                Some(veto) => count(&mut self.vetoes, veto.name()),
                None => self.union(kind, a, b),
            }
        }
    }

    fn summary(&self, atom: u32) -> Summary {
        Summary::of(self.atoms, self.components.members(atom))
    }

    fn distinct(&mut self, group: &[u32]) -> Vec<u32> {
        let mut roots: Vec<u32> = group.iter().map(|atom| self.components.find(*atom)).collect();
        roots.sort_unstable();
        roots.dedup();
        roots
    }

    fn union(&mut self, kind: Kind, a: u32, b: u32) {
        if self.components.union(a, b) {
            count(&mut self.joined, kind.name());
        }
    }
}

type Conflict = fn(&Summary, &Summary) -> Option<Veto>;

/// Every pair of the components that share a token: how far apart in time, and what speaks against it.
struct Rivals {
    size: usize,
    nearness: Nearness,
    pairs: Vec<(i32, Option<Veto>)>,
}

impl Rivals {
    fn new(summaries: &[Summary], nearness: Nearness, conflict: Conflict) -> Self {
        let pairs = summaries.iter().flat_map(|a| summaries.iter().map(move |b| (a.gap(b), conflict(a, b)))).collect();
        Self { size: summaries.len(), nearness, pairs }
    }

    fn pair(&self, a: usize, b: usize) -> (i32, Option<Veto>) {
        self.pairs.get(a * self.size + b).copied().unwrap_or((0, None))
    }

    fn nearest_first(&self) -> Vec<(usize, usize)> {
        let mut all: Vec<(usize, usize)> =
            (0..self.size).flat_map(|a| (a + 1..self.size).map(move |b| (a, b))).collect();
        all.sort_by_key(|&(a, b)| (self.pair(a, b).0, a, b));
        all
    }

    fn veto(&self, (a, b): (usize, usize)) -> Option<Veto> {
        let ambiguous = self.has_rival(a, b) || self.has_rival(b, a) || self.is_anybodys(a, b);
        self.pair(a, b).1.or_else(|| ambiguous.then_some(Veto::Ambiguous))
    }

    /// Whether neither of two says whose it is, under a number that several persons share: they may be one of each.
    fn is_anybodys(&self, a: usize, b: usize) -> bool {
        let contested = |at: usize| (0..self.size).any(|other| self.pair(at, other).1.is_some());
        self.nearness == Nearness::Ignored && !contested(a) && !contested(b) && (0..self.size).any(contested)
    }

    /// Whether a third one fits `a` at least as well as `b` does, and cannot be the same person as `b`.
    fn has_rival(&self, a: usize, b: usize) -> bool {
        (0..self.size).filter(|third| *third != a && *third != b).any(|third| {
            let (gap, against) = self.pair(a, third);
            let near = self.nearness == Nearness::Ignored || gap <= self.pair(a, b).0;
            against.is_none() && near && self.pair(b, third).1.is_some()
        })
    }
}

fn count(counts: &mut BTreeMap<&'static str, u64>, name: &'static str) {
    *counts.entry(name).or_default() += 1;
}

#[cfg(test)]
mod tests;
