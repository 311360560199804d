//! What a clerk of the linkage zone sees of a pair: how it agrees, when each side was insured, what speaks against it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use policies::review::PatternClass;
use serde::{Deserialize, Serialize};

use super::CaseNumber;
use crate::link::atoms::{Atoms, Kind, Months};
use crate::link::evidence::{self, Field, Pattern, ScoredPair};

/// How one part of the identifiers agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// One side or both do not have it.
    Absent,
    /// Both have it, and none in common.
    Differs,
    /// Not the same, but near to it.
    Near,
    /// In common.
    Same,
}

impl Level {
    /// The word in files and message keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Differs => "differs",
            Self::Near => "near",
            Self::Same => "same",
        }
    }
}

/// A part of the identifiers, by the name of its token kind or attribute, and how it agrees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Which part.
    pub part: String,
    /// How.
    pub level: Level,
}

/// A month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Month(i32);

/// The text is no month.
#[derive(Debug, thiserror::Error)]
#[error("not a month in the form 2020-04")]
pub struct InvalidMonth;

impl Month {
    /// Months from `earlier` to this one.
    pub fn since(self, earlier: Self) -> i32 {
        self.0.saturating_sub(earlier.0)
    }
}

impl FromStr for Month {
    type Err = InvalidMonth;
    fn from_str(text: &str) -> Result<Self, InvalidMonth> {
        let (year, month) = text.split_once('-').ok_or(InvalidMonth)?;
        let (year, month): (i32, i32) =
            (year.parse().map_err(|_| InvalidMonth)?, month.parse().map_err(|_| InvalidMonth)?);
        let real = (0..=9999).contains(&year) && (1..=12).contains(&month);
        if real { Ok(Self(year * 12 + month - 1)) } else { Err(InvalidMonth) }
    }
}

impl fmt::Display for Month {
    /// `2020-04`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.div_euclid(12), self.0.rem_euclid(12) + 1)
    }
}

/// What a line is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineKind {
    /// Long-term care.
    Care,
    /// A medical insurer.
    Medical,
    /// No insurer is known: a chart alone.
    None,
}

impl LineKind {
    /// The word in files and message keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Care => "care",
            Self::Medical => "medical",
            Self::None => "none",
        }
    }
}

/// From when to when an insurer's line is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What it is of.
    pub kind: LineKind,
    /// 1, 2, 3 … over both sides, in the order of their first months; equal numbers are the same insurer's same line.
    pub number: u32,
    /// First and last month, where known.
    pub months: Option<[Month; 2]>,
}

/// One of the two groups of records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// Atoms by source.
    pub sources: BTreeMap<String, u64>,
    /// Insurers' lines.
    pub lines: Vec<Line>,
}

impl Side {
    /// Atoms of all sources.
    pub fn atoms(&self) -> u64 {
        self.sources.values().sum()
    }
}

/// Two groups of records that may be one person's. No token, name, atom or person stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dossier {
    /// Random.
    pub number: CaseNumber,
    /// What makes them look like one person.
    pub class: PatternClass,
    /// How numbers, names and charts agree, by kind of token.
    pub tokens: Vec<Agreement>,
    /// How parts of names, birth date and address agree, by attribute.
    pub composites: Vec<Agreement>,
    /// How common family and given name are, 0 for the commonest.
    pub bands: [Option<u8>; 2],
    /// What speaks against it.
    pub conflicts: Vec<String>,
    /// Logarithm (base 2) of the odds that they are one person, in thousandths.
    pub weight: i32,
    /// How much an answer tells; the queue begins with the most.
    pub priority: u64,
    /// The two records' sources that were compared, in the order of the alphabet.
    pub sources: [String; 2],
    /// The two.
    pub sides: [Side; 2],
}

impl Dossier {
    /// The probability that they are one person.
    pub fn probability(&self) -> f64 {
        ScoredPair::probability_of(self.weight)
    }
}

/// How the tokens at rest of two components agree.
pub(super) fn tokens(atoms: &Atoms, sides: [&[u32]; 2]) -> Vec<Agreement> {
    let found = |kind: Kind, side: &[u32]| -> BTreeSet<u32> {
        side.iter().filter_map(|atom| atoms.token(*atom, kind)).collect()
    };
    let agreement = |kind: Kind| {
        let [a, b] = sides.map(|side| found(kind, side));
        let level = match (a.is_empty() || b.is_empty(), a.is_disjoint(&b)) {
            (true, _) => Level::Absent,
            (false, true) => Level::Differs,
            (false, false) => Level::Same,
        };
        Agreement { part: kind.name().to_owned(), level }
    };
    Kind::AT_REST.into_iter().map(agreement).collect()
}

/// How the attributes of two records agree, by what their composites show.
pub(super) fn composites(pattern: Pattern) -> Vec<Agreement> {
    let agreement = |field: Field| {
        let level = match pattern.level(field) {
            evidence::Level::Differs => Level::Differs,
            evidence::Level::Exact => Level::Same,
            evidence::Level::Near => Level::Near,
            evidence::Level::Unknown => Level::Absent,
        };
        Agreement { part: field.name().to_owned(), level }
    };
    Field::ALL.into_iter().map(agreement).collect()
}

/// What makes two components look like one person.
pub(super) fn class(tokens: &[Agreement], conflicts: &[String]) -> PatternClass {
    let shares = |first: char| tokens.iter().any(|it| it.level == Level::Same && it.part.starts_with(first));
    if !conflicts.is_empty() {
        PatternClass::Conflict
    } else if shares('a') || shares('c') {
        PatternClass::SameNumber
    } else if shares('d') {
        PatternClass::SameChart
    } else if shares('b') {
        PatternClass::SameName
    } else {
        PatternClass::Composites
    }
}

/// Both sides, their insurers' lines numbered together.
pub(super) fn sides(atoms: &Atoms, sources: &[String], sides: [&[u32]; 2]) -> [Side; 2] {
    let lines = sides.map(|side| lines(atoms, side));
    let mut order: Vec<(LineKind, Option<Months>, u32)> =
        lines.iter().flatten().map(|(at, months)| (at.0, *months, at.1)).collect();
    order.sort_unstable();
    let mut numbers: BTreeMap<(LineKind, u32), u32> = BTreeMap::new();
    let mut given: BTreeMap<LineKind, u32> = BTreeMap::new();
    for (kind, _, token) in order {
        numbers.entry((kind, token)).or_insert_with(|| {
            let next = given.entry(kind).or_default();
            *next += 1;
            *next
        });
    }
    let [a, b] = lines;
    let [of_a, of_b] = sides;
    let side = |members: &[u32], lines: BTreeMap<(LineKind, u32), Option<Months>>| {
        let line = |(at, months): ((LineKind, u32), Option<Months>)| Line {
            kind: at.0,
            number: numbers.get(&at).copied().unwrap_or_default(),
            months: months.map(|months| [Month(months.first), Month(months.last)]),
        };
        let mut lines: Vec<Line> = lines.into_iter().map(line).collect();
        lines.sort_unstable();
        Side { sources: by_source(atoms, sources, members), lines }
    };
    [side(of_a, a), side(of_b, b)]
}

fn by_source(atoms: &Atoms, sources: &[String], members: &[u32]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for atom in members {
        *counts.entry(source(atoms, sources, *atom)).or_default() += 1;
    }
    counts
}

/// Name of an atom's source.
pub(super) fn source(atoms: &Atoms, sources: &[String], atom: u32) -> String {
    let place = atoms.sources().get(atom as usize).copied().unwrap_or(u8::MAX);
    sources.get(usize::from(place)).cloned().unwrap_or_default()
}

/// Months that each insurer's line covers, by the dense number of its token.
fn lines(atoms: &Atoms, members: &[u32]) -> BTreeMap<(LineKind, u32), Option<Months>> {
    let mut lines: BTreeMap<(LineKind, u32), Option<Months>> = BTreeMap::new();
    for atom in members {
        let named = [(LineKind::Medical, Kind::A3), (LineKind::Care, Kind::C1)];
        let mut at: Vec<(LineKind, u32)> =
            named.into_iter().filter_map(|(line, kind)| Some((line, atoms.token(*atom, kind)?))).collect();
        if at.is_empty() {
            at.push((LineKind::None, 0));
        }
        for place in at {
            let covered = lines.entry(place).or_default();
            *covered = match (*covered, atoms.months(*atom)) {
                (Some(covered), Some(months)) => Some(covered.hull(months)),
                (covered, months) => covered.or(months),
            };
        }
    }
    lines
}
