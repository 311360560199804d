//! Learns the model from counted patterns by expectation and maximisation (Dempster, Laird, Rubin 1977; Fellegi, Sunter 1969), in a
//! fixed order of patterns and sums, so that equal inputs give equal numbers bit by bit.
//!
//! Three classes, not two: a family shares names, home and card, and would pass for half a person. How one person's records agree
//! begins with pairs that numbers say are one person; how strangers agree follows from the counts of composites alone, of which the
//! pairs that are persons or households are taken off.

use std::collections::BTreeMap;

use policies::LinkagePolicy;

use super::attributes::Said;
use super::chance::{Chances, Counted, is_counted};
use super::model::{Class, Expected, Levels, Model, Parameters, of_strangers, pair_name};
use super::pairs::{Counts, SourcePair};
use crate::link::atoms::Kind;
use crate::link::evidence::{COMPARED, Field, Level, Pattern};

/// What is learnt from.
pub(super) struct Evidence<'a> {
    pub(super) counts: &'a Counts,
    /// Atoms that have a kind, by its place.
    pub(super) having: Vec<f64>,
    /// Atoms by band of the family name and of the given name.
    pub(super) banded: [[f64; 8]; 2],
    /// Pairs of atoms by sources.
    pub(super) pairs: BTreeMap<SourcePair, f64>,
    /// Of two atoms with insurer lines, how often one follows the other.
    pub(super) course: f64,
    pub(super) names: &'a [String],
    pub(super) policy: &'a LinkagePolicy,
}

/// Rounds in which strangers are estimated anew.
const ROUNDS: u32 = 8;
/// Iterations of a round.
const ITERATIONS: u32 = 40;
/// Iterations for two sources, from the pooled parameters.
const ITERATIONS_PAIR: u32 = 15;
/// Pairs that the class of one person, as it is known before any data, counts for.
const PERSON_PAIRS: f64 = 20.0;
/// The most that labelled pairs count for: those that are left differ more than those that numbers have joined.
const LABELLED_PAIRS: f64 = 200.0;
/// Pairs that the class of households counts for.
const HOUSEHOLD_PAIRS: f64 = 100.0;
/// Pairs that a band's factor leans on 1 with.
const BAND_PAIRS: f64 = 20.0;

/// What of a household is learnt; the rest is what makes it one.
const OF_HOUSEHOLDS: [Field; 5] = [Field::Family, Field::Number, Field::Home, Field::Address, Field::Course];

type Cells = Vec<(Pattern, f64)>;

/// The model of a full pass.
pub(super) fn learn(evidence: &Evidence<'_>) -> Model {
    let cells = pooled(evidence.counts);
    let all: f64 = evidence.pairs.values().sum();
    let candidates: f64 = cells.iter().map(|(_, count)| count).sum();
    let (prior, weight) = labelled(evidence.counts);
    let mut parameters = Parameters {
        pairs: all.max(1.0),
        candidates: whole(candidates),
        persons: (candidates * 0.1).max(0.5),
        households: (candidates * 0.1).max(0.5),
        person: prior.clone(),
        household: Class::household(),
    };
    let mut strangers =
        Strangers { class: Class::stranger(&Chances::usual(), evidence.course), bands: [vec![1.0; 8], vec![1.0; 8]] };
    for _ in 0..ROUNDS {
        let prior = Prior { person: &prior, person_pairs: weight, household: &Class::household(), persons: None };
        for _ in 0..ITERATIONS {
            parameters = step(&cells, &parameters, &strangers, &prior);
        }
        strangers = Strangers::of(evidence, &cells, &parameters, &strangers);
    }
    let log_likelihood = likelihood(&cells, &parameters, &strangers);
    let by_sources = by_sources(evidence, &parameters, &strangers);
    let withheld = evidence.policy.scored.withheld;
    if parameters.candidates < withheld {
        parameters.candidates = 0;
    }
    Model {
        version: Model::VERSION,
        fields: Field::ALL.to_vec(),
        stranger: strangers.class,
        bands: strangers.bands,
        pooled: parameters,
        by_sources,
        iterations: ROUNDS * ITERATIONS,
        log_likelihood,
        patterns: cells
            .iter()
            .map(|(pattern, count)| (pattern.0, whole(*count)))
            .filter(|(_, n)| *n >= withheld)
            .collect(),
    }
}

/// How strangers agree, and what a name's band changes in it.
struct Strangers {
    class: Class,
    bands: [Vec<f64>; 2],
}

impl Strangers {
    fn probability(&self, pattern: Pattern) -> f64 {
        of_strangers(&self.class, &self.bands, pattern)
    }

    /// From all pairs that share a composite, less those that are persons or households.
    fn of(evidence: &Evidence<'_>, cells: &Cells, parameters: &Parameters, before: &Self) -> Self {
        let left: Vec<(Pattern, f64)> = cells
            .iter()
            .map(|(pattern, count)| {
                let expected = parameters.expected(before.probability(*pattern), *pattern);
                (*pattern, count * expected.stranger / expected.sum().max(f64::MIN_POSITIVE))
            })
            .collect();
        let counted = Kind::of_run().filter(|kind| is_counted(*kind)).map(|kind| {
            let said = Said::of(kind);
            let among: f64 = left.iter().filter(|(pattern, _)| said.is_shared_in(*pattern)).map(|(_, n)| n).sum();
            let aside = evidence.counts.strangers.get(kind.place()).copied().map_or(0.0, real);
            let having = evidence.having.get(kind.place()).copied().unwrap_or(0.0);
            Counted { kind, shared: among + aside, of: having * (having - 1.0) / 2.0 }
        });
        let counted: Vec<Counted> = counted.collect();
        let class = Class::stranger(&Chances::solve(&counted), evidence.course);
        let bands = [(0, Kind::P1), (1, Kind::P2)].map(|(name, kind)| factors(evidence, &left, name, Said::of(kind)));
        Self { class, bands }
    }
}

/// By what each band's names are more often shared than the average name.
fn factors(evidence: &Evidence<'_>, left: &Cells, name: usize, said: Said) -> Vec<f64> {
    let mut shared = evidence.counts.strangers_by_band.get(name).copied().unwrap_or_default().map(real);
    for (pattern, count) in left.iter().filter(|(pattern, _)| said.is_shared_in(*pattern)) {
        let band = pattern.bands().get(name).copied().flatten();
        if let Some(sum) = band.and_then(|band| shared.get_mut(usize::from(band))) {
            *sum += count;
        }
    }
    let atoms = evidence.banded.get(name).copied().unwrap_or_default();
    let (pairs, all): (f64, f64) = (shared.iter().sum(), atoms.iter().sum());
    let factor = |(shared, atoms): (f64, f64)| {
        let expected = pairs * atoms / all.max(1.0);
        ((shared + BAND_PAIRS) / (expected + BAND_PAIRS)).clamp(0.01, 50.0)
    };
    shared.into_iter().zip(atoms).map(factor).collect()
}

/// What parameters lean on.
struct Prior<'a> {
    person: &'a Class,
    person_pairs: f64,
    household: &'a Class,
    /// Persons and households that would be expected of two sources, where that is known.
    persons: Option<(f64, f64)>,
}

fn step(cells: &Cells, parameters: &Parameters, strangers: &Strangers, prior: &Prior<'_>) -> Parameters {
    let mut person = Tally::leaning(prior.person, prior.person_pairs);
    let mut household = Tally::leaning(prior.household, HOUSEHOLD_PAIRS);
    let (mut persons, mut households) = (0.0, 0.0);
    for (pattern, count) in cells {
        let expected: Expected = parameters.expected(strangers.probability(*pattern), *pattern);
        let share = count / expected.sum().max(f64::MIN_POSITIVE);
        let (of_person, of_household) = (share * expected.person, share * expected.household);
        person.add(*pattern, of_person);
        household.add(*pattern, of_household);
        persons += of_person;
        households += of_household;
    }
    if let Some((of_persons, of_households)) = prior.persons {
        // A fifth of a person's weight: two sources with no pairs are as the pooled ones, those with many their own.
        persons = lean(persons, of_persons);
        households = lean(households, of_households);
    }
    let mut learnt = household.class();
    for (field, (of, usual)) in Field::ALL.iter().zip(learnt.fields.iter_mut().zip(&prior.household.fields)) {
        if !OF_HOUSEHOLDS.contains(field) {
            *of = *usual;
        }
    }
    Parameters {
        persons: persons.max(1e-3),
        households: households.max(1e-3),
        person: rising(person.class(), &strangers.class),
        household: learnt,
        ..parameters.clone()
    }
}

/// A count that leans on what was expected, as if that had been seen five times.
fn lean(found: f64, expected: f64) -> f64 {
    (found + 5.0) * expected / (expected + 5.0)
}

struct Tally {
    fields: [Levels; COMPARED],
}

impl Tally {
    fn leaning(prior: &Class, pairs: f64) -> Self {
        Self { fields: prior.fields.map(|levels| levels.map(|level| level * pairs)) }
    }

    fn add(&mut self, pattern: Pattern, count: f64) {
        for (field, sums) in Field::ALL.iter().zip(&mut self.fields) {
            let [differs, near, exact] = sums;
            match pattern.level(*field) {
                Level::Unknown => {}
                Level::Differs => *differs += count,
                Level::Near => *near += count,
                Level::Exact => *exact += count,
            }
        }
    }

    fn class(&self) -> Class {
        let share = |levels: Levels| {
            let sum: f64 = levels.iter().sum();
            levels.map(|level| level / sum.max(f64::MIN_POSITIVE))
        };
        Class { fields: self.fields.map(share) }
    }
}

/// More agreement never speaks against one person: ratios to the strangers' levels that fall are made equal (pool adjacent
/// violators), whatever a few odd pairs say.
fn rising(mut person: Class, stranger: &Class) -> Class {
    for (of, other) in person.fields.iter_mut().zip(&stranger.fields) {
        let mut pools: Vec<(f64, f64, usize)> = Vec::new();
        for (ours, theirs) in of.iter().zip(other) {
            pools.push((*ours, *theirs, 1));
            while let [.., (a, b, n), (c, d, m)] = pools.as_slice()
                && a * d > c * b
            {
                let joined = (a + c, b + d, n + m);
                pools.truncate(pools.len() - 2);
                pools.push(joined);
            }
        }
        let mut ratios = pools.into_iter().flat_map(|(ours, theirs, n)| std::iter::repeat_n((ours, theirs), n));
        for (level, theirs) in of.iter_mut().zip(other) {
            let Some((ours, pooled)) = ratios.next() else { continue };
            *level = if pooled > 0.0 { theirs * ours / pooled } else { ours };
        }
    }
    person
}

/// How one person's records agree, where numbers have said so already; with the pairs that it counts for.
fn labelled(counts: &Counts) -> (Class, f64) {
    let mut tally = Tally::leaning(&Class::person(), 0.0);
    let mut pairs = 0.0;
    for (labelled, count) in &counts.labelled {
        // What the number itself contains agrees always, and says nothing.
        let own = if labelled.by_chart {
            vec![Field::Chart, Field::National]
        } else {
            vec![Field::Birth, Field::Sex, Field::Number, Field::Branch, Field::Course]
        };
        let mut one = Tally::leaning(&Class::person(), 0.0);
        one.add(labelled.pattern, real(*count));
        for (field, (sums, more)) in Field::ALL.iter().zip(tally.fields.iter_mut().zip(one.fields)) {
            if !own.contains(field) {
                sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
            }
        }
        pairs += real(*count);
    }
    let mut class = Class::person();
    for (of, sums) in class.fields.iter_mut().zip(tally.fields) {
        let found: f64 = sums.iter().sum();
        let scale = if found > LABELLED_PAIRS { LABELLED_PAIRS / found } else { 1.0 };
        let all = found * scale + PERSON_PAIRS;
        for (level, sum) in of.iter_mut().zip(sums) {
            *level = (*level * PERSON_PAIRS + sum * scale) / all;
        }
    }
    (class, PERSON_PAIRS + pairs.min(LABELLED_PAIRS))
}

fn by_sources(evidence: &Evidence<'_>, pooled: &Parameters, strangers: &Strangers) -> BTreeMap<String, Parameters> {
    let mut cells: BTreeMap<SourcePair, Cells> = BTreeMap::new();
    for ((sources, pattern), count) in &evidence.counts.cells {
        cells.entry(*sources).or_default().push((*pattern, real(*count)));
    }
    let all: f64 = evidence.counts.cells.values().copied().map(real).sum();
    let withheld = evidence.policy.scored.withheld;
    let own = |(sources, cells): (SourcePair, Cells)| {
        let candidates: f64 = cells.iter().map(|(_, count)| count).sum();
        let share = candidates / all.max(1.0);
        let prior = Prior {
            person: &pooled.person,
            person_pairs: f64::from(evidence.policy.scored.pooled_pairs),
            household: &pooled.household,
            persons: Some((pooled.persons * share, pooled.households * share)),
        };
        let mut own = Parameters {
            pairs: evidence.pairs.get(&sources).copied().unwrap_or(1.0).max(1.0),
            persons: pooled.persons * share,
            households: pooled.households * share,
            ..pooled.clone()
        };
        for _ in 0..ITERATIONS_PAIR {
            own = step(&cells, &own, strangers, &prior);
        }
        own.candidates = Some(whole(candidates)).filter(|count| *count >= withheld).unwrap_or(0);
        (pair_name(sources, evidence.names), own)
    };
    cells.into_iter().map(own).collect()
}

fn pooled(counts: &Counts) -> Cells {
    let mut cells: BTreeMap<Pattern, f64> = BTreeMap::new();
    for ((_, pattern), count) in &counts.cells {
        *cells.entry(*pattern).or_default() += real(*count);
    }
    cells.into_iter().collect()
}

fn likelihood(cells: &Cells, parameters: &Parameters, strangers: &Strangers) -> f64 {
    let one = |(pattern, count): &(Pattern, f64)| {
        count * parameters.expected(strangers.probability(*pattern), *pattern).sum().max(f64::MIN_POSITIVE).ln()
    };
    cells.iter().map(one).sum()
}

#[expect(clippy::cast_precision_loss, reason = "pairs of a run are far fewer than 2^52")]
fn real(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sums of counts")]
fn whole(count: f64) -> u64 {
    count.round() as u64
}
