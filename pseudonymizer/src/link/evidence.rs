//! What is known of pairs of atoms beside the tokens at rest: scores of composites, and the words of those who were asked.

use serde::{Deserialize, Serialize};

/// How two atoms agree, attribute by attribute: two bits a [`Field`], then three bits a name's band. Neither token nor name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Pattern(pub(crate) u64);

/// How many attributes are compared.
pub(crate) const COMPARED: usize = 11;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Field {
    /// Family name.
    Family,
    /// Given name.
    Given,
    /// Birth date; near: two of its parts.
    Birth,
    /// Sex.
    Sex,
    /// Number on the insurance card; near: the same insurer.
    Number,
    /// Branch number under one insured number.
    Branch,
    /// Postcode; near: its district.
    Home,
    /// The line of the address; near: one letter off.
    Address,
    /// Number that one institution or register gives out; near: one digit off.
    Chart,
    /// National person number.
    National,
    /// Insurer lines in time: exact where one follows the other, differing where they run side by side.
    Course,
}

impl Field {
    /// All, in the order of the pattern's bits.
    pub(crate) const ALL: [Self; COMPARED] = [
        Self::Family,
        Self::Given,
        Self::Birth,
        Self::Sex,
        Self::Number,
        Self::Branch,
        Self::Home,
        Self::Address,
        Self::Chart,
        Self::National,
        Self::Course,
    ];

    /// Its name in models and dossiers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Family => "family",
            Self::Given => "given",
            Self::Birth => "birth",
            Self::Sex => "sex",
            Self::Number => "number",
            Self::Branch => "branch",
            Self::Home => "home",
            Self::Address => "address",
            Self::Chart => "chart",
            Self::National => "national",
            Self::Course => "course",
        }
    }
}

/// How one attribute agrees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// One side lacks it, or nothing was shared beside which it could have shown.
    #[default]
    Unknown,
    /// Both have it and it differs.
    Differs,
    /// One slip apart.
    Near,
    /// The same.
    Exact,
}

impl Level {
    fn of_bits(bits: u64) -> Self {
        match bits & 3 {
            1 => Self::Differs,
            2 => Self::Near,
            3 => Self::Exact,
            _ => Self::Unknown,
        }
    }
}

/// Where the names' bands begin.
const BANDS_AT: u32 = 2 * 11;

/// The bits of a band that is not known, or of a name that is not the same.
const NO_BAND: u64 = 7;

impl Pattern {
    /// Of levels by the order of [`Field::ALL`], and the bands of family and given name, where those are the same.
    pub(crate) fn new(levels: &[Level; COMPARED], bands: [Option<u8>; 2]) -> Self {
        let packed = (0_u32..).zip(levels).fold(0, |bits, (place, level)| bits | (*level as u64) << (2 * place));
        let bands = (0_u32..).zip(bands).fold(0, |bits, (place, band)| {
            bits | band.map_or(NO_BAND, |band| u64::from(band) & NO_BAND) << (BANDS_AT + 3 * place)
        });
        Self(packed | bands)
    }

    /// How an attribute agrees.
    pub(crate) fn level(self, field: Field) -> Level {
        Level::of_bits(self.0 >> (2 * field as u32))
    }

    /// Frequency bands of family and given name, 0 for the commonest, where both atoms have the same.
    pub(crate) fn bands(self) -> [Option<u8>; 2] {
        [0, 3].map(|shift| {
            let band = (self.0 >> (BANDS_AT + shift)) & NO_BAND;
            u8::try_from(band).ok().filter(|band| u64::from(*band) != NO_BAND)
        })
    }
}

/// Two atoms of different components that share composites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScoredPair {
    /// The lesser atom.
    pub(crate) a: u32,
    /// The greater atom.
    pub(crate) b: u32,
    /// Logarithm (base 2) of the posterior odds that the two are one person, in thousandths: an integer, so that the order of pairs
    /// is total and the same on every machine.
    pub(crate) weight: i32,
    /// How they agree.
    pub(crate) pattern: Pattern,
}

impl ScoredPair {
    /// The weight of a probability.
    pub(crate) fn weight_of(probability: f64) -> i32 {
        Self::weight_of_odds(probability / (1.0 - probability))
    }

    /// The weight of odds.
    pub(crate) fn weight_of_odds(odds: f64) -> i32 {
        let odds = odds.log2() * 1000.0;
        #[expect(clippy::cast_possible_truncation, reason = "bounded before")]
        let weight = odds.clamp(-64_000.0, 64_000.0).round() as i32;
        weight
    }

    /// The probability of a weight.
    pub(crate) fn probability_of(weight: i32) -> f64 {
        1.0 / (1.0 + (-f64::from(weight) / 1000.0).exp2())
    }
}

/// An answer to a question about two atoms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Verdict {
    /// The lesser atom.
    pub(crate) a: u32,
    /// The greater atom.
    pub(crate) b: u32,
    /// Whether they are one person.
    pub(crate) same: bool,
}

/// A pair that was neither joined nor left: somebody is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grey {
    /// The pair.
    pub(crate) pair: ScoredPair,
    /// What speaks against it, if its weight alone would have joined it.
    pub(crate) against: Option<super::components::Veto>,
}
