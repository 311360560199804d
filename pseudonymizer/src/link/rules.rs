//! Which atoms are one person. A pure function of the set of atoms and of what is known of pairs: tiers of evidence, from the
//! surest to the least sure. What happens among atoms that share tokens, pairs or answers depends on nothing else.

use std::collections::BTreeMap;

use policies::LinkagePolicy;

use super::atoms::{Atoms, Kind};
use super::components::{Components, Veto};
use super::evidence::{Grey, ScoredPair, Verdict};

mod apart;
mod caps;
mod facts;
mod rivals;
mod run;
mod scored;
mod summary;

use apart::Apart;
use facts::Facts;
use rivals::{Nearness, Rule};
use run::{Run, count};
use summary::Summary;

/// Who belongs together, and how that came about.
pub(crate) struct Partition {
    /// The least atom of each atom's component.
    pub(crate) roots: Vec<u32>,
    /// Unions by token kind.
    pub(crate) joined: BTreeMap<&'static str, u64>,
    /// Unions refused, and components taken apart, by reason.
    pub(crate) vetoes: BTreeMap<&'static str, u64>,
    /// Tokens set aside, by kind.
    pub(crate) hubs: BTreeMap<&'static str, u64>,
    /// The tokens that were set aside.
    pub(crate) aside: Vec<Aside>,
    /// Pairs to be asked about, in the order of their weights; of those between the same two persons the heaviest.
    pub(crate) grey: Vec<Grey>,
}

/// A token that joined nothing, because too many share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Aside {
    pub(crate) kind: Kind,
    /// The first atom that has it.
    pub(crate) atom: u32,
    /// Of names: how many components shared it then. Of numbers: how many atoms do.
    pub(crate) count: u32,
}

/// Joins what tokens at rest and answers join; scored pairs come after it.
///
/// 0. Two atoms of which somebody who was asked said that they are one person, whatever their tokens say. Of whom somebody said that
///    they are two, they never come together, not by others either.
/// 1. The same full insured number with branch (a1), unless two names run side by side; the same long-term care number (c1).
/// 2. The same insured number without branch (a3): unless the names differ as twins' do. What shares a2 shares a3 too.
/// 3. The same number of a late elderly person (c2), unless names differ; the same national number (c3), even if names differ, unless
///    insurers contradict too.
/// 4. The same chart at one institution (d1): unless the names differ.
/// 5. The same strict kana (b1), then kanji (b2), with birth date and sex: unless two insurer lines run side by side for longer than
///    a change takes, or a rival fits about as well. The same loose kana (b3): only where exactly two components share it.
/// 6. The same number of a late elderly person, even if names differ: a token of a name has the birth date in it, and a wrong one looks
///    like another name. Then the same chart, where one name goes on where another ended. Last, so that a wrong number that stands
///    beside a right name has found its person before.
/// 7. The same national number, then the same chart, where one of two was seen in a single month among those of the other: a birth date
///    or sex written wrongly (0.87 % of persons have a name, birth date, sex or address that differs from the register; part 6 of the
///    research) looks like another name and another number. Whoever else has that number or chart was joined to the rest of theirs before.
///
/// At each union what never can be one person stays apart ([`Summary::hard`]); after each tier, what had more than one person can have
/// is taken apart into what it was before it ([`caps`]).
pub(crate) fn strong<'a>(atoms: &'a Atoms, policy: &'a LinkagePolicy, verdicts: &[Verdict]) -> Strong<'a> {
    let mut run = Run::new(Facts::new(atoms, policy, Apart::answered(verdicts)));
    answers(&mut run, verdicts);
    let (ignored, counts) = (Nearness::Ignored, Nearness::Counts);
    let first: [(Kind, Rule); 6] = [
        (Kind::A1, Rule { nearness: ignored, conflict: Summary::under_branch }),
        (Kind::C1, Rule { nearness: ignored, conflict: Summary::contradiction }),
        (Kind::A3, Rule { nearness: ignored, conflict: Summary::under_number }),
        (Kind::C2, Rule { nearness: ignored, conflict: Summary::under_own_number }),
        (Kind::C3, Rule { nearness: ignored, conflict: Summary::national }),
        (Kind::D1, Rule { nearness: counts, conflict: Summary::in_chart }),
    ];
    for (kind, rule) in first {
        run.numbers(kind, rule);
    }
    for (kind, most) in [(Kind::B1, policy.hubs.components), (Kind::B2, policy.hubs.components), (Kind::B3, 2)] {
        run.names(kind, most);
    }
    run.numbers_again(Kind::C2, Rule { nearness: ignored, conflict: Summary::contradiction });
    run.numbers_again(Kind::D1, Rule { nearness: counts, conflict: Summary::in_chart_renamed });
    run.slips(Kind::C3);
    run.slips(Kind::D1);
    Strong(run)
}

/// Joins what answers join. Where they contradict each other, none of those that led there counts.
fn answers(run: &mut Run<'_>, verdicts: &[Verdict]) {
    if verdicts.is_empty() {
        return;
    }
    let mut said = Components::new(run.facts.atoms.len());
    let mut alone = said.before();
    for verdict in verdicts.iter().filter(|verdict| verdict.same) {
        said.union(verdict.a, verdict.b);
    }
    for verdict in verdicts.iter().filter(|verdict| !verdict.same) {
        let root = said.find(verdict.a);
        if root == said.find(verdict.b) {
            count(&mut run.vetoes, Veto::Answers.name());
            said.restore(root, &mut alone);
        }
    }
    for verdict in verdicts.iter().filter(|verdict| verdict.same && said.find(verdict.a) == said.find(verdict.b)) {
        if run.components.union(verdict.a, verdict.b) {
            count(&mut run.joined, "answer");
        }
    }
}

/// What tokens at rest and answers have joined.
pub(crate) struct Strong<'a>(Run<'a>);

impl Strong<'_> {
    /// The least atom of each atom's component so far.
    pub(crate) fn roots(&mut self) -> Vec<u32> {
        (0..).take(self.0.facts.atoms.len()).map(|atom| self.0.components.find(atom)).collect()
    }

    /// Joins scored pairs ([`scored`]).
    pub(crate) fn scored(self, pairs: &[ScoredPair]) -> Partition {
        let mut run = self.0;
        let grey = scored::join(&mut run, pairs);
        let (joined, vetoes, hubs, aside) = (run.joined, run.vetoes, run.hubs, run.aside);
        Partition { roots: run.components.roots(), joined, vetoes, hubs, aside, grey }
    }
}

#[cfg(test)]
mod tests;
