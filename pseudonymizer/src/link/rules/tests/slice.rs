//! Birth dates as crowded as in a nation of 124 million, made up: who shares a birth date, a sex and a name is there as often as in
//! Japan, so that what tells namesakes apart is measured, and not how rare they are in a small sample
//! (`research/pseudonymization-anchors.md`, parts 2 and 6).

#![expect(
    clippy::cast_possible_truncation,
    clippy::manual_is_multiple_of,
    clippy::needless_for_each,
    clippy::struct_excessive_bools,
    clippy::too_many_lines,
    reason = "a simulation of small numbers, told from beginning to end"
)]

use sha2::{Digest, Sha256};

use super::super::super::atoms::{Atom, Atoms, KINDS, Kind, Months};
use super::super::*;
use crate::link::fixture::policy;

/// Months that are looked at: ten years.
const MONTHS: u64 = 120;
/// Month from which claims state a branch (2021-10, ten years beginning with 2016).
const BRANCHES: i32 = 69;

/// A small generator (`SplitMix64`, Steele 2014), so that the slice is the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    #[expect(clippy::cast_precision_loss, reason = "made up")]
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// A rank drawn by Zipf-Mandelbrot weights 1 / (rank + shift)^power.
    fn ranked(&mut self, cumulated: &[f64]) -> u64 {
        let at = self.unit() * cumulated.last().unwrap();
        cumulated.partition_point(|sum| *sum < at) as u64
    }
}

fn zipf(ranks: u32, shift: f64, power: f64) -> Vec<f64> {
    let mut sum = 0.0;
    (0..ranks)
        .map(|rank| {
            sum += (f64::from(rank) + shift).powf(-power);
            sum
        })
        .collect()
}

/// What differs with age.
#[derive(Clone, Copy)]
struct Age {
    /// Months with a claim, on average.
    seen: f64,
    /// Changes of insurer a year.
    moves: f64,
    /// Changes of name a year.
    marries: f64,
    /// Whether this is a cohort that turns 75 in the middle.
    turns_75: bool,
}

const AGES: [Age; 5] = [
    Age { seen: 0.45, moves: 0.06, marries: 0.0, turns_75: false },
    Age { seen: 0.18, moves: 0.16, marries: 0.035, turns_75: false },
    Age { seen: 0.25, moves: 0.08, marries: 0.006, turns_75: false },
    Age { seen: 0.5, moves: 0.06, marries: 0.001, turns_75: false },
    Age { seen: 0.75, moves: 0.03, marries: 0.0, turns_75: true },
];

struct Made {
    atoms: Vec<Atom>,
    /// By atom id: person and claims.
    truth: BTreeMap<[u8; 16], (u64, u64)>,
}

struct Person {
    number: u64,
    cell: u64,
    family: u64,
    given: u64,
    kanji: u64,
    branch: u64,
    /// Who has the number: a twin's are under the first twin's.
    household: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Statement {
    source: u8,
    line: Option<(u64, bool)>,
    branch: Option<u64>,
    kana: Option<(u64, u64, u64)>,
    kanji: Option<(u64, u64)>,
    birth: u64,
    chart: Option<u64>,
    care: Option<u64>,
}

fn token(kind: Kind, parts: &[u64]) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(kind.name());
    parts.iter().for_each(|part| hash.update(part.to_le_bytes()));
    hash.finalize()[..16].try_into().unwrap()
}

impl Statement {
    fn tokens(&self) -> [Option<[u8; 16]>; KINDS] {
        let mut tokens = [None; KINDS];
        let mut put = |kind: Kind, parts: Option<Vec<u64>>| {
            let place = Kind::AT_REST.iter().position(|known| *known == kind).unwrap();
            tokens[place] = parts.map(|parts| token(kind, &parts));
        };
        let birth = self.birth;
        put(Kind::A3, self.line.map(|(line, _)| vec![line, birth]));
        put(Kind::A2, self.line.map(|(line, _)| vec![line, birth]));
        put(Kind::A1, self.line.zip(self.branch).map(|((line, _), branch)| vec![line, branch, birth]));
        put(Kind::C2, self.line.filter(|(_, own)| *own).map(|(line, _)| vec![line]));
        put(Kind::B1, self.kana.map(|(family, given, slip)| vec![family, given, slip, birth]));
        put(
            Kind::B3,
            self.kana.map(|(family, given, slip)| vec![family, given, if slip < 10 { 0 } else { slip }, birth]),
        );
        put(Kind::B2, self.kanji.map(|(family, given)| vec![family, given, birth]));
        put(Kind::D1, self.chart.map(|chart| vec![chart]));
        put(Kind::C1, self.care.map(|care| vec![care, birth]));
        tokens
    }
}

/// How a facility writes a person down, for good.
struct Facility {
    number: u64,
    kana: bool,
    kanji: bool,
    charts: bool,
    records: bool,
    slip: u64,
    birth_off: u64,
    until: i32,
}

/// Cells of one birth date and sex with so many persons each.
fn slice(cells: u64, persons: u64, seed: u64) -> Made {
    let mut dice = Dice(seed);
    let (families, givens) = (zipf(30_000, 12.0, 1.05), zipf(3_000, 8.0, 1.1));
    let mut made = Made { atoms: Vec::new(), truth: BTreeMap::new() };
    let mut number = 0;
    for cell in 0..cells {
        let age = AGES[(cell % 5) as usize];
        let mut twin: Option<Person> = None;
        for _ in 0..persons {
            number += 1;
            let of_twin = twin.take().filter(|_| cell % 5 == 0);
            let family = of_twin.as_ref().map_or_else(|| dice.ranked(&families), |twin| twin.family);
            let given = dice.ranked(&givens);
            let kanji = [0, 0, 1, 2, 3, 4][dice.below(6) as usize];
            let household = of_twin.as_ref().map_or(number, |twin| twin.household);
            let branch = if of_twin.is_some() { 3 } else { 1 + dice.below(2) };
            let person = Person { number, cell, family, given, kanji, branch, household };
            live(&mut dice, &mut made, &person, age);
            // 1.0 % of deliveries are twins, 70 % of them of one sex.
            twin = dice.chance(0.007).then_some(person).filter(|_| of_twin.is_none());
        }
    }
    made
}

/// Ten years of one person.
fn live(dice: &mut Dice, made: &mut Made, person: &Person, age: Age) {
    let spells = spells(dice, person, age);
    let married: Option<(i32, u64)> = (0..MONTHS as i32)
        .find(|_| dice.chance(age.marries / 12.0))
        .map(|month| (month, 1_000_000 + dice.below(5_000)));
    // One in five of those who marry changes the insurer in that month too.
    let spells: Vec<(i32, i32, u64, bool)> = match married.filter(|_| dice.chance(0.2)) {
        Some((month, _)) => spells.into_iter().flat_map(|spell| split(dice, spell, month)).collect(),
        None => spells,
    };
    let seen = (age.seen * (0.2 + 1.6 * dice.unit())).min(0.95);
    let mut facilities: Vec<Facility> = (0..2).map(|_| facility(dice, 0)).collect();
    let mut said: BTreeMap<Statement, (Months, u64)> = BTreeMap::new();
    for month in 0..MONTHS as i32 {
        if !dice.chance(seen) {
            continue;
        }
        let at = dice.below(facilities.len() as u64) as usize;
        if facilities[at].until < month {
            facilities[at] = facility(dice, month);
        }
        let place = &facilities[at];
        let Some(&(begin, _, mut line, own)) = spells.iter().rev().find(|spell| spell.0 <= month) else { continue };
        // An old card, for at most three months, in one of twenty changes.
        if month - begin < 3 && begin > 0 && (line ^ person.number) % 20 == 0 {
            line = spells.iter().rev().find(|spell| spell.0 < begin).map_or(line, |spell| spell.2);
        }
        // A number written wrongly.
        if dice.chance(0.0005) {
            line ^= 1 << 60;
        }
        let family = married.filter(|(wed, _)| *wed <= month).map_or(person.family, |(_, family)| family);
        let branch = (month >= BRANCHES).then_some(if dice.chance(0.001) { 9 } else { person.branch });
        let birth = person.cell * 1000 + place.birth_off;
        let chart = (place.number << 20) ^ person.number;
        let claim = Statement {
            source: 0,
            line: Some((line, own)),
            branch: branch.filter(|_| !own),
            kana: place.kana.then_some((family, person.given, place.slip)),
            kanji: place.kanji.then_some((family, person.given * 8 + person.kanji)),
            birth,
            chart: place.charts.then_some(chart),
            care: None,
        };
        let mut state = |statement: Statement| {
            let now = Months { first: month, last: month };
            let place = said.entry(statement).or_insert((now, 0));
            *place = (place.0.hull(now), place.1 + 1);
        };
        state(claim);
        if place.charts && dice.chance(0.03) {
            state(Statement { source: 1, line: None, branch: None, kana: None, kanji: None, birth: 0, ..claim });
        }
        if place.records {
            state(Statement { source: 3, line: None, branch: None, chart: Some(chart), ..claim });
        }
        if age.turns_75 && month > 70 && person.number % 4 == 0 {
            let care = Some(person.number);
            let kana = Some((family, person.given, 0));
            state(Statement { source: 2, line: None, branch: None, kana, birth, chart: None, care, ..claim });
        }
    }
    for (statement, (months, claims)) in said {
        let id: [u8; 16] = [dice.next().to_le_bytes(), dice.next().to_le_bytes()].concat().try_into().unwrap();
        made.truth.insert(id, (person.number, claims));
        made.atoms.push(Atom {
            id,
            source: statement.source,
            batch: 0,
            tokens: statement.tokens(),
            months: Some(months),
        });
    }
}

fn split(dice: &mut Dice, spell: (i32, i32, u64, bool), month: i32) -> Vec<(i32, i32, u64, bool)> {
    if spell.0 < month && month < spell.1 {
        vec![(spell.0, month, spell.2, spell.3), (month, spell.1, dice.next() >> 4, spell.3)]
    } else {
        vec![spell]
    }
}

/// First month, month after the last, number, whether it is a person's own.
fn spells(dice: &mut Dice, person: &Person, age: Age) -> Vec<(i32, i32, u64, bool)> {
    // A household moves as one.
    let mut household = Dice(person.household.wrapping_mul(77));
    let dice = if person.household == person.number { dice } else { &mut household };
    let mut seeded = Dice(person.household.wrapping_mul(77));
    let dice: &mut Dice = if age.seen > 0.4 && !age.turns_75 { &mut seeded } else { dice };
    let mut begins = vec![0];
    for month in 1..MONTHS as i32 {
        if dice.chance(age.moves / 12.0) || (age.turns_75 && month == 60) {
            begins.push(month);
        }
    }
    let mut number = || dice.next() >> 4;
    let ends = begins.iter().skip(1).copied().chain([MONTHS as i32]);
    begins.iter().zip(ends).map(|(begin, end)| (*begin, end, number(), age.turns_75 && *begin >= 60)).collect()
}

fn facility(dice: &mut Dice, from: i32) -> Facility {
    let writes = dice.below(100);
    let slip = if dice.chance(0.01) {
        1 + dice.below(3)
    } else if dice.chance(0.005) {
        10 + dice.below(1000)
    } else {
        0
    };
    Facility {
        number: dice.next() >> 30,
        kana: writes < 75,
        kanji: writes >= 15,
        charts: dice.chance(0.5),
        records: dice.chance(0.03),
        slip,
        birth_off: if dice.chance(0.0011) { 1 + dice.below(900) } else { 0 },
        until: from + 6 + dice.below(80) as i32,
    }
}

/// What the published evaluations measure (Sato 2023), by claims, and pairs of atoms.
#[derive(Debug)]
struct Quality {
    traceability: f64,
    identifiability: f64,
    precision: f64,
    recall: f64,
}

#[expect(clippy::cast_precision_loss, reason = "counts of a small slice")]
fn quality(made: &Made, atoms: &Atoms, roots: &[u32]) -> Quality {
    let mut cells: BTreeMap<(u64, u32), (u64, u64)> = BTreeMap::new();
    for (id, root) in atoms.ids().iter().zip(roots) {
        let (person, claims) = made.truth[id];
        let cell = cells.entry((person, *root)).or_default();
        *cell = (cell.0 + claims, cell.1 + 1);
    }
    let (mut persons, mut keys): (BTreeMap<u64, [u64; 3]>, BTreeMap<u32, [u64; 3]>) = Default::default();
    let mut together = 0;
    for ((person, root), (claims, count)) in &cells {
        together += count * (count - 1) / 2;
        for totals in [persons.entry(*person).or_default(), keys.entry(*root).or_default()] {
            *totals = [totals[0] + claims, totals[1].max(*claims), totals[2] + count];
        }
    }
    let share = |all: Vec<&[u64; 3]>| {
        let (total, most) = all.iter().fold((0, 0), |sum, one| (sum.0 + one[0], sum.1 + one[1]));
        let pairs: u64 = all.iter().map(|one| one[2] * (one[2] - 1) / 2).sum();
        (most as f64 / total as f64, together as f64 / pairs as f64)
    };
    let (traceability, recall) = share(persons.values().collect());
    let (identifiability, precision) = share(keys.values().collect());
    Quality { traceability, identifiability, precision, recall }
}

#[test]
fn namesakes_at_national_density() {
    let made = slice(5, 2000, 1);
    let atoms = Atoms::new(made.atoms.clone()).unwrap();
    let partition = strong(&atoms, policy(), &[]).scored(&[]);
    let found = quality(&made, &atoms, &partition.roots);
    // What tokens at rest can do: who changed name and insurer at once, and was in no chart, is left to scores.
    assert!(found.precision >= 0.9995 && found.identifiability >= 0.9995, "{found:?}");
    assert!(found.recall >= 0.99 && found.traceability >= 0.996, "{found:?}");

    // Without the life course, namesakes are one person.
    let mut blind = policy().clone();
    blind.overlap_months_max = i32::MAX;
    let partition = strong(&atoms, &blind, &[]).scored(&[]);
    let mixed = quality(&made, &atoms, &partition.roots);
    assert!(mixed.precision < 0.999 && mixed.identifiability < 0.9995, "{mixed:?}");
}
