//! From shared composites to a pattern: which attributes agree, which differ, and of which nothing can be told
//! (`research/pseudonymization-anchors.md`, part 3).
//!
//! An attribute agrees where a shared composite contains it, is near where a shared one contains a variant of it. It differs only
//! where some composite could have shown it: both sides have that composite, and everything else in it agrees. Where no composite
//! could, nothing is known: absent is another thing than different.

use std::collections::HashMap;

use policies::LinkagePolicy;

use crate::link::atoms::{Atoms, Kind};
use crate::link::evidence::{COMPARED, Field, Level, Pattern};
use crate::tokens::Input;

const FAMILY: u32 = 1;
const GIVEN: u32 = 1 << 1;
const BIRTH: u32 = 1 << 2;
const SEX: u32 = 1 << 3;
const INSURER: u32 = 1 << 4;
const NUMBER: u32 = 1 << 5;
const BRANCH: u32 = 1 << 6;
const DISTRICT: u32 = 1 << 7;
const POSTCODE: u32 = 1 << 8;
const FACILITY: u32 = 1 << 9;
const CHART: u32 = 1 << 10;
const NATIONAL: u32 = 1 << 11;
const ADDRESS: u32 = 1 << 12;

/// What a kind says, as sets of attributes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    exact: u32,
    near: u32,
    /// Its number is one that the source itself gives out: two atoms of one source have the same issuer.
    own_number: bool,
}

impl Said {
    pub(super) fn of(kind: Kind) -> Self {
        // Long-term care numbers are compared by the strong tier alone.
        if kind.inputs().contains(&Input::LtcNumber) {
            return Self::default();
        }
        let (exact, near) = kind.inputs().iter().fold((0, 0), |(exact, near), input| {
            let (more, nearer) = attributes(*input);
            (exact | more, near | nearer)
        });
        Self { exact, near: near & !exact, own_number: kind.inputs().contains(&Input::ChartNear) }
    }

    /// Whether a pair of this pattern shares the kind, if both have it.
    pub(super) fn is_shared_in(self, pattern: Pattern) -> bool {
        let levels = |set: u32, least: Level| {
            SHOWN.iter().filter(|(_, mask)| set & mask != 0).all(|(field, _)| {
                let whole =
                    *field == Field::Number && set & NUMBER == 0 || *field == Field::Home && set & POSTCODE == 0;
                pattern.level(*field) >= if whole { Level::Near } else { least }
            })
        };
        levels(self.exact & !FACILITY, Level::Exact) && levels(self.near, Level::Near)
    }
}

/// The fields that composites show, with their attributes.
const SHOWN: [(Field, u32); 10] = [
    (Field::Family, FAMILY),
    (Field::Given, GIVEN),
    (Field::Birth, BIRTH),
    (Field::Sex, SEX),
    (Field::Number, NUMBER | INSURER),
    (Field::Branch, BRANCH),
    (Field::Home, POSTCODE | DISTRICT),
    (Field::Address, ADDRESS),
    (Field::Chart, CHART),
    (Field::National, NATIONAL),
];

fn attributes(input: Input) -> (u32, u32) {
    match input {
        Input::Address => (ADDRESS, 0),
        Input::AddressNear => (0, ADDRESS),
        Input::BirthMonth | Input::BornPart => (0, BIRTH),
        Input::Born => (BIRTH, 0),
        Input::Branch => (BRANCH, 0),
        Input::Chart => (CHART, 0),
        Input::ChartNear => (0, CHART),
        Input::District => (DISTRICT, 0),
        Input::Facility => (FACILITY, 0),
        Input::FamilyKana => (FAMILY, 0),
        Input::FamilyNear => (0, FAMILY),
        Input::GivenKana => (GIVEN, 0),
        Input::GivenNear => (0, GIVEN),
        Input::Insurer | Input::LateElderlyInsurer => (INSURER, 0),
        Input::BothNames | Input::KanaLoose | Input::KanaNear | Input::KanaSound => (0, FAMILY | GIVEN),
        Input::KanaStrict | Input::Kanji => (FAMILY | GIVEN, 0),
        Input::LtcInsurer | Input::LtcNumber | Input::SymbolCore | Input::SymbolExact => (0, 0),
        Input::NationalId => (NATIONAL, 0),
        Input::NumberCore | Input::NumberExact => (NUMBER, 0),
        Input::Postcode => (POSTCODE | DISTRICT, 0),
        Input::PostcodeNear => (0, POSTCODE | DISTRICT),
        Input::Sex => (SEX, 0),
    }
}

/// A set of kinds, a bit each in the order of the table.
pub(super) type Kinds = u64;

/// The bit of a kind.
pub(super) fn bit(kind: Kind) -> Kinds {
    1_u64.wrapping_shl(u32::try_from(kind.place()).unwrap_or(63))
}

/// Reads patterns; the same sets of kinds are read once.
pub(super) struct Reader<'a> {
    atoms: &'a Atoms,
    said: &'a [Said],
    overlap_months_max: i32,
    known: HashMap<(Kinds, Kinds, bool), [Level; COMPARED]>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(atoms: &'a Atoms, said: &'a [Said], policy: &LinkagePolicy) -> Self {
        Self { atoms, said, overlap_months_max: policy.overlap_months_max, known: HashMap::new() }
    }

    /// `shared`: kinds of which both have a token; `present`: kinds that both have and that are no hub.
    pub(super) fn pattern(
        &mut self,
        (a, b): (u32, u32),
        shared: Kinds,
        present: Kinds,
        bands: [Option<u8>; 2],
    ) -> Pattern {
        let source = |atom: u32| self.atoms.sources().get(atom as usize);
        let key = (shared, present | shared, source(a) == source(b));
        let said = self.said;
        let mut levels = *self.known.entry(key).or_insert_with(|| compare(said, key));
        // A number's token has birth date and sex in it: where these differ, it says nothing of the insurer.
        let slip = [Field::Birth, Field::Sex]
            .into_iter()
            .any(|field| matches!(levels.get(field as usize), Some(Level::Differs | Level::Near)));
        let course = if slip { Level::Unknown } else { self.course(a, b) };
        if let Some(last) = levels.last_mut() {
            *last = course;
        }
        let exact = |place: usize| levels.get(place) == Some(&Level::Exact);
        let [family, given] = bands;
        Pattern::new(&levels, [family.filter(|_| exact(0)), given.filter(|_| exact(1))])
    }

    /// One person has one insurer of a kind at a time.
    fn course(&self, a: u32, b: u32) -> Level {
        let lines = |kind| self.atoms.token(a, kind).zip(self.atoms.token(b, kind));
        let Some((ours, theirs)) = [Kind::A3, Kind::C2, Kind::C1].into_iter().find_map(lines) else {
            return Level::Unknown;
        };
        let Some((first, second)) = self.atoms.months(a).zip(self.atoms.months(b)) else { return Level::Unknown };
        if ours == theirs {
            Level::Unknown
        } else if first.overlap(second) > self.overlap_months_max {
            Level::Differs
        } else {
            Level::Exact
        }
    }
}

fn compare(said: &[Said], (shared, present, one_source): (Kinds, Kinds, bool)) -> [Level; COMPARED] {
    let of = |kinds: Kinds| (0_u32..).zip(said).filter(move |(place, _)| kinds & 1_u64.wrapping_shl(*place) != 0);
    let exact = of(shared).fold(0, |set, (_, said)| set | said.exact);
    let near = of(shared).fold(0, |set, (_, said)| set | said.near) & !exact;
    let would_show = |mask: u32| {
        of(present).any(|(_, said)| {
            let issuer = if said.own_number && one_source { FACILITY } else { 0 };
            (said.exact | said.near) & mask != 0
                && said.exact & !mask & !issuer & !exact == 0
                && said.near & !mask & !exact & !near == 0
        })
    };
    let mut levels = [Level::Unknown; COMPARED];
    for ((field, mask), level) in SHOWN.iter().zip(&mut levels) {
        let whole = if *field == Field::Home {
            POSTCODE
        } else if *field == Field::Number {
            NUMBER
        } else {
            *mask
        };
        *level = if exact & whole == whole {
            Level::Exact
        } else if (exact | near) & mask != 0 {
            Level::Near
        } else if would_show(*mask) {
            Level::Differs
        } else {
            Level::Unknown
        };
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> Vec<Said> {
        Kind::all().map(Said::of).collect()
    }

    fn kinds(names: &str) -> Kinds {
        let named = |name: &str| Kind::all().find(|kind| kind.name() == name).unwrap();
        names.split_whitespace().map(|name| bit(named(name))).fold(0, |set, kind| set | kind)
    }

    /// `shared` and `present` kinds; the levels by field, unknown ones left out.
    fn check(shared: &str, present: &str, expected: &str) {
        let found = compare(&said(), (kinds(shared), kinds(present) | kinds(shared), true));
        let words: Vec<String> = Field::ALL
            .iter()
            .zip(found)
            .filter(|(_, level)| *level != Level::Unknown)
            .map(|(field, level)| format!("{}={level:?}", field.name()))
            .collect();
        assert_eq!(words.join(" "), expected, "{shared} of {present}");
    }

    #[test]
    fn what_could_not_show_is_not_known() {
        check("p2", "p1 p2", "family=Differs given=Exact birth=Exact");
        check("p2", "p2", "given=Exact birth=Exact");
        // The sex could only show beside a family name that agrees.
        check("p2", "p1 p2 p3", "family=Differs given=Exact birth=Exact");
        check("p1 p2", "p1 p2 p3", "family=Exact given=Exact birth=Exact sex=Differs");
        check("p2 w1", "p1 p2 w1 b5", "family=Near given=Exact birth=Exact");
        check("p2 p6", "b5 p2 p6", "given=Exact birth=Exact sex=Differs home=Near");
        check("b5 p2 p6 h2", "", "given=Exact birth=Exact sex=Exact home=Exact");
        check("p2", "p2 p6 h2 h3 b4", "given=Exact birth=Exact home=Differs");
    }

    #[test]
    fn cards_and_numbers() {
        check("v3 p1", "a1 a3 p1 p2 v3", "family=Exact given=Differs birth=Exact sex=Differs number=Exact");
        check("v3 p1 a3", "a1 p2", "family=Exact given=Differs birth=Exact sex=Exact number=Exact branch=Differs");
        check("p1 p2 b4", "v3 a3", "family=Exact given=Exact birth=Exact sex=Exact number=Near");
        check("p1 p2", "v3 n1", "family=Exact given=Exact birth=Exact number=Differs chart=Differs");
        check("p1 n1", "n2", "family=Exact birth=Exact chart=Near");
        check("p1 p2", "c3", "family=Exact given=Exact birth=Exact national=Differs");
        check("v1", "v1 b1", "family=Near given=Near birth=Exact sex=Exact");
    }

    #[test]
    fn a_pattern_tells_which_kinds_were_shared() {
        let (said, all) = (said(), ["p1", "p2", "p6", "b4", "h1", "w1", "v2", "v3"]);
        for shared in ["p1", "p1 p2", "p1 p2 p6", "b4 p1 p2", "h1 p1", "v3 p1", "w1"] {
            let pattern = Pattern::new(&compare(&said, (kinds(shared), kinds(shared), true)), [None; 2]);
            for kind in all.into_iter().filter(|kind| shared.contains(kind)) {
                let kind = Kind::all().find(|known| known.name() == kind).unwrap();
                assert!(said[kind.place()].is_shared_in(pattern), "{} in {shared}", kind.name());
            }
        }
    }
}
