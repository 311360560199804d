//! The model of the scored tier: what one person's records, a household's and strangers' look like beside one another. A small
//! artefact without tokens, to be published and compared.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::chance::{Chance, Chances};
use super::pairs::SourcePair;
use crate::link::evidence::{COMPARED, Field, Level, Pattern, ScoredPair};

/// Probabilities of an attribute's levels where it is known: differs, near, exact.
pub(super) type Levels = [f64; 3];

/// Families and given names that are both one slip off come together by chance more often than either alone says: short names are
/// near to many, and both halves of a name follow one language.
const NEAR_TOGETHER: f64 = 4.0;

/// Among those of a household who were born on one day, twins, given names are alike on purpose.
const TWINS: Levels = [0.78, 0.21, 0.01];

/// Weights beyond this are as sure as can be.
const ODDS_MAX: f64 = 1e18;

/// How one class of pairs agrees, by the order of [`Field::ALL`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Class {
    pub(super) fields: [Levels; COMPARED],
}

/// Parameters of two sources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Parameters {
    /// All pairs of the two sources.
    pub(super) pairs: f64,
    /// Candidate pairs.
    pub(super) candidates: u64,
    /// Pairs of one person, as estimated.
    pub(super) persons: f64,
    /// Pairs of one household, as estimated.
    pub(super) households: f64,
    pub(super) person: Class,
    pub(super) household: Class,
}

/// `model.json`: no token, no atom, no count below the policy's bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Model {
    /// Of this form.
    pub(crate) version: u32,
    /// Attributes, in the order of all tables.
    pub(crate) fields: Vec<Field>,
    /// How strangers agree.
    pub(crate) stranger: Class,
    /// By what a name of each band is more often shared than names are on average: family names, given names.
    pub(crate) bands: [Vec<f64>; 2],
    /// All sources together.
    pub(crate) pooled: Parameters,
    /// By names of sources, `ndb+ehr`.
    pub(crate) by_sources: BTreeMap<String, Parameters>,
    /// Iterations of the pooled estimate.
    pub(crate) iterations: u32,
    /// Its logarithm of the likelihood.
    pub(crate) log_likelihood: f64,
    /// Candidate pairs by pattern, those of too few left out.
    pub(crate) patterns: BTreeMap<u64, u64>,
}

impl Class {
    /// How one person's records agree, as far as is known before any data: most recorded attributes are the same.
    pub(super) fn person() -> Self {
        Self {
            fields: [
                [0.06, 0.09, 0.85],
                [0.03, 0.09, 0.88],
                [0.02, 0.08, 0.90],
                [0.01, 0.0, 0.99],
                [0.5, 0.2, 0.3],
                [0.002, 0.0, 0.998],
                [0.2, 0.1, 0.7],
                [0.2, 0.15, 0.65],
                [0.2, 0.2, 0.6],
                [0.03, 0.0, 0.97],
                [0.1, 0.0, 0.9],
            ],
        }
    }

    /// Spouses, parents, children, siblings: one name, home and card, and nobody's birth date.
    pub(super) fn household() -> Self {
        Self {
            fields: [
                [0.08, 0.02, 0.90],
                [0.93, 0.06, 0.01],
                [0.92, 0.06, 0.02],
                [0.5, 0.0, 0.5],
                [0.3, 0.3, 0.4],
                [0.999, 0.0, 0.001],
                [0.08, 0.04, 0.88],
                [0.2, 0.1, 0.7],
                [0.98, 0.019, 0.001],
                [0.999_999, 0.0, 1e-6],
                [0.7, 0.0, 0.3],
            ],
        }
    }

    /// Two strangers. `course`: how many of those with insurer lines have them one after the other.
    pub(super) fn stranger(chances: &Chances, course: f64) -> Self {
        let of = |chance| chances.of(chance);
        let levels = |near: f64, exact: f64| {
            let near = (near - exact).max(exact * 0.1);
            [(1.0 - near - exact).max(1e-3), near, exact]
        };
        let number = of(Chance::Insurer) * of(Chance::Number);
        Self {
            fields: [
                levels(of(Chance::FamilyNear), of(Chance::Family)),
                levels(of(Chance::GivenNear), of(Chance::Given)),
                levels(of(Chance::BirthNear), of(Chance::Birth)),
                [1.0 - of(Chance::Sex), 0.0, of(Chance::Sex)],
                levels(of(Chance::Insurer), number),
                [0.9, 0.0, 0.1],
                levels(of(Chance::District).max(of(Chance::PostcodeNear)), of(Chance::Postcode)),
                levels(of(Chance::AddressNear), of(Chance::Address)),
                levels(of(Chance::ChartNear), of(Chance::ChartNear) / 10.0),
                [1.0 - 1e-8, 0.0, 1e-8],
                [1.0 - course, 0.0, course],
            ],
        }
    }

    pub(super) fn levels(&self, field: Field) -> Levels {
        self.fields.get(field as usize).copied().unwrap_or([1.0; 3])
    }

    /// Probability of a pattern, attributes independent but for what the class knows better.
    pub(super) fn probability(&self, pattern: Pattern) -> f64 {
        Field::ALL.iter().map(|field| at(self.levels(*field), pattern.level(*field))).product()
    }

    /// The same for a household: given names of twins are alike.
    pub(super) fn of_household(&self, pattern: Pattern) -> f64 {
        let given = pattern.level(Field::Given);
        if pattern.level(Field::Birth) == Level::Exact && given != Level::Unknown {
            self.probability(pattern) / at(self.levels(Field::Given), given) * at(TWINS, given)
        } else {
            self.probability(pattern)
        }
    }
}

fn at(levels: Levels, level: Level) -> f64 {
    let [differs, near, exact] = levels;
    match level {
        Level::Unknown => 1.0,
        Level::Differs => differs,
        Level::Near => near,
        Level::Exact => exact,
    }
}

/// Expected pairs of a pattern, by class.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) person: f64,
    pub(super) household: f64,
    pub(super) stranger: f64,
}

impl Expected {
    pub(super) fn sum(self) -> f64 {
        self.person + self.household + self.stranger
    }

    /// The odds that a pair is one person.
    pub(super) fn odds(self) -> f64 {
        (self.person / (self.household + self.stranger).max(f64::MIN_POSITIVE)).clamp(1.0 / ODDS_MAX, ODDS_MAX)
    }
}

/// How strangers agree, names by their bands.
pub(super) fn of_strangers(class: &Class, bands: &[Vec<f64>; 2], pattern: Pattern) -> f64 {
    let factor: f64 = bands
        .iter()
        .zip(pattern.bands())
        .map(|(factors, band)| band.and_then(|band| factors.get(usize::from(band))).copied().unwrap_or(1.0))
        .product();
    let together = pattern.level(Field::Family) == Level::Near && pattern.level(Field::Given) == Level::Near;
    class.probability(pattern) * factor * if together { NEAR_TOGETHER } else { 1.0 }
}

/// What no one person has: two branch numbers of one card with another given name or birth date (twins, siblings), or two national
/// numbers without a card in common (`research/pseudonymization-anchors.md`, part 2, conflict rules).
fn is_two_persons(pattern: Pattern) -> bool {
    let is = |field, level| pattern.level(field) == level;
    let same = is(Field::Given, Level::Exact) && is(Field::Birth, Level::Exact);
    (is(Field::Branch, Level::Differs) && !same)
        || (is(Field::National, Level::Differs) && !is(Field::Number, Level::Exact))
}

impl Parameters {
    pub(super) fn expected(&self, stranger: f64, pattern: Pattern) -> Expected {
        Expected {
            person: if is_two_persons(pattern) { 0.0 } else { self.persons * self.person.probability(pattern) },
            household: self.households * self.household.of_household(pattern),
            stranger: self.pairs * stranger,
        }
    }
}

impl Model {
    /// The form that this code writes.
    pub(super) const VERSION: u32 = 1;

    /// The parameters of two sources, or the pooled ones where the model has none.
    pub(super) fn of(&self, sources: SourcePair, names: &[String]) -> &Parameters {
        self.by_sources.get(&pair_name(sources, names)).unwrap_or(&self.pooled)
    }

    /// The weight of a pattern, in thousandths.
    pub(super) fn weight(&self, parameters: &Parameters, pattern: Pattern) -> i32 {
        let stranger = of_strangers(&self.stranger, &self.bands, pattern);
        ScoredPair::weight_of_odds(parameters.expected(stranger, pattern).odds())
    }
}

/// `ndb+ehr`, the lesser place first.
pub(super) fn pair_name(sources: SourcePair, names: &[String]) -> String {
    let name = |place: u8| names.get(usize::from(place)).map_or("?", String::as_str);
    let [a, b] = sources.to_be_bytes();
    format!("{}+{}", name(a), name(b))
}
