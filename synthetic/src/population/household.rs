//! Households: who lives together, ages, names, insurance, and what changes within the window.

use jiff::civil::Date;

use super::insurance::{self, Family};
use super::namesakes::Namesakes;
use super::{Coverage, Person, Scheme, Smoking};
use crate::calendar::{self, END, FIRST, Month, START};
use crate::course::{Course, Risk};
use crate::names::{self, Name, Part};
use crate::places;
use crate::random::{Dice, whole};

/// People who live together.
#[derive(Clone, Debug)]
pub(crate) struct Household {
    /// Home (a place in [`places::all`]) from a month on; in order, never empty.
    homes: Vec<(Month, usize)>,
    pub(crate) members: Vec<Person>,
    /// Last four digits of the postcode.
    postcode_end: i32,
    block: (i32, i32, i32),
    pub(crate) phone: String,
}

impl Household {
    /// The home in a month.
    pub(crate) fn home_in(&self, month: Month) -> usize {
        self.homes
            .iter()
            .rev()
            .find(|(from, _)| *from <= month)
            .or_else(|| self.homes.first())
            .map_or(0, |(_, home)| *home)
    }

    /// Postcode with a hyphen.
    pub(crate) fn postcode_in(&self, month: Month) -> String {
        format!("{}-{:04}", places::at(self.home_in(month)).postcode, self.postcode_end)
    }

    /// Address, full-width.
    pub(crate) fn address_in(&self, month: Month) -> String {
        let (part, block, house) = self.block;
        let numbers = crate::digits::full_width(&format!("{part}丁目{block}番{house}号"));
        format!("{}架空町{numbers}", places::at(self.home_in(month)).name)
    }
}

/// All households of a population, one after the other.
pub(crate) struct Population {
    seed: u64,
    persons: u64,
    next_household: u64,
    next_person: u64,
    namesakes: Namesakes,
    /// Whether names change at marriage. Before branch numbers came in, a number and another name may be a twin as well: no record
    /// decides it, so such changes belong to the mistakes that linkage has to live with.
    renames: bool,
}

/// Canaries planted in a population: persons whose identifiers nobody could mistake.
const CANARIES: u64 = 200;

impl Iterator for Population {
    type Item = Household;

    fn next(&mut self) -> Option<Household> {
        if self.next_person > self.persons {
            return None;
        }
        let mut dice = Dice::new(self.seed, self.next_household);
        let mut sketches = sketch(&mut dice);
        sketches.truncate(usize::try_from(self.persons - self.next_person + 1).unwrap_or(usize::MAX));
        let household = self.build(&mut dice, &sketches);
        self.next_household += 1;
        Some(household)
    }
}

impl Population {
    pub(crate) fn new(persons: u64, seed: u64, renames: bool) -> Self {
        Self { seed, persons, next_household: 0, next_person: 1, namesakes: Namesakes::new(), renames }
    }

    fn build(&mut self, dice: &mut Dice, sketches: &[Sketch]) -> Household {
        let home = places::home(dice);
        let head_age = sketches.first().map_or(40, |head| calendar::age_on(head.birth, START));
        let family = Family { household: self.next_household, change: 0, home };
        let scheme = insurance::draw_scheme(dice, head_age);
        let surname = names::surname(dice);
        let mut homes = vec![(FIRST, home)];
        // Whoever may have a certification of long-term care stays, since its number would change with the municipality.
        let settled = sketches.iter().any(|one| calendar::age_on(one.birth, START) >= 60);
        let later = if settled { None } else { change(dice, family, scheme, head_age, &mut homes) };
        let mut members: Vec<Person> = Vec::new();
        for (at, sketch) in sketches.iter().enumerate() {
            let person = self.person(dice, *sketch, surname);
            let covers = covers(&person, at, (family, scheme), later);
            let person = Person { coverages: covers, ..person };
            members.push(self.marry(dice, person, sketches.len()));
        }
        let house = (dice.between(1, 9), dice.between(1, 40), dice.between(1, 30));
        let phone = format!("090-{:04}-{:04}", dice.between(1000, 9999), dice.between(0, 9999));
        Household { homes, members, postcode_end: dice.between(1, 120), block: house, phone }
    }

    fn person(&mut self, dice: &mut Dice, sketch: Sketch, surname: Part) -> Person {
        let number = self.next_person;
        self.next_person += 1;
        let canary = self.canary(number);
        let smoking = draw_smoking(dice, sketch);
        let (height, bmi) = if sketch.sex == 1 { (170.0, 23.8) } else { (157.0, 22.2) };
        let risk = Risk { sex: sketch.sex, birth: sketch.birth, bmi: bmi + 3.4 * dice.normal(), smoking };
        let course = Course::draw(dice, risk);
        let death = course.death(dice, risk);
        let (name, birth) = match canary {
            Some(at) => (names::canary(at), sketch.birth),
            None => self.name(dice, sketch, surname),
        };
        Person {
            number,
            sex: sketch.sex,
            birth,
            death: death.filter(|death| *death > birth),
            name,
            renamed: None,
            coverages: Vec::new(),
            course,
            smoking,
            height_cm: height + 6.0 * dice.normal() - f64::from((1955 - i32::from(birth.year())).max(0)) * 0.1,
            bmi: risk.bmi.clamp(14.0, 45.0),
            canary: canary.is_some(),
        }
    }

    /// A name and a birth date that nobody else has together; the day moves within its month if it must.
    fn name(&mut self, dice: &mut Dice, sketch: Sketch, surname: Part) -> (Name, Date) {
        let mut name = Name { family: surname, given: names::given(dice, sketch.sex, sketch.birth.year()) };
        let mut birth = sketch.birth;
        for _ in 0..60 {
            if self.namesakes.claim(&name, birth, sketch.sex) {
                break;
            }
            name.given = names::given(dice, sketch.sex, sketch.birth.year());
            if !sketch.twin && sketch.birth < START {
                birth = Month::of(birth).day(dice.between(1, 31));
            }
        }
        (name, birth)
    }

    /// Women (and some men) who live alone may marry and change their name; never those whose insurer changes too.
    fn marry(&mut self, dice: &mut Dice, person: Person, together: usize) -> Person {
        let age = person.age_on(START);
        let rate = if person.sex == 2 { 0.12 } else { 0.01 };
        let free = together == 1 && (22..45).contains(&age) && person.coverages.len() == 1 && !person.canary;
        if !free || !dice.chance(rate) {
            return person;
        }
        let name = Name { family: names::surname(dice), ..person.name };
        let month = FIRST.plus(dice.between(2, 22));
        let new =
            self.renames && name.family != person.name.family && self.namesakes.claim(&name, person.birth, person.sex);
        Person { renamed: new.then_some((month, name)), ..person }
    }

    /// Which canary the person is, if one: they are spread evenly over the population.
    fn canary(&self, number: u64) -> Option<usize> {
        let count = CANARIES.min(self.persons / 2).max(1);
        let step = (self.persons / count).max(1);
        let at = number / step;
        (number % step == step / 2 && at < count).then(|| usize::try_from(at).unwrap_or(0))
    }
}

/// A change of insurer: for the whole family from a month on, perhaps with a move.
fn change(
    dice: &mut Dice,
    family: Family,
    scheme: Scheme,
    head_age: i32,
    homes: &mut Vec<(Month, usize)>,
) -> Option<(Month, Family, Scheme)> {
    // formats.md, 14: 8-10 % a year between 18 and 64.
    if head_age >= 65 || scheme == Scheme::Assistance || !dice.chance(0.16) {
        return None;
    }
    let month = FIRST.plus(dice.between(2, 22));
    let moved = dice.chance(0.25);
    let home = if moved { places::home(dice) } else { family.home };
    let mut next = insurance::draw_scheme(dice, head_age);
    if next == Scheme::Assistance {
        next = Scheme::National;
    }
    if moved {
        homes.push((month, home));
    }
    Some((month, Family { change: 1, home, ..family }, next))
}

/// All insurances of a member in the window: the family's, its next one, and the one for the late elderly from 75 on.
fn covers(
    person: &Person,
    at: usize,
    first: (Family, Scheme),
    later: Option<(Month, Family, Scheme)>,
) -> Vec<Coverage> {
    let old = Month::of(person.birth).plus(75 * 12 + i32::from(person.birth.day() > 1));
    let assisted = first.1 == Scheme::Assistance;
    let mut covers = Vec::new();
    if assisted || old > FIRST {
        covers.push(insurance::cover(first.0, first.1, at, person.number, FIRST));
        if let Some((month, family, scheme)) = later.filter(|(month, ..)| *month < old) {
            covers.push(insurance::cover(family, scheme, at, person.number, month));
        }
    }
    if !assisted && old <= calendar::LAST {
        covers.push(insurance::cover(first.0, Scheme::LateElderly, at, person.number, old.max(FIRST)));
    }
    covers
}

fn draw_smoking(dice: &mut Dice, sketch: Sketch) -> Smoking {
    let age = calendar::age_on(sketch.birth, START);
    let (current, former) = match (sketch.sex, age) {
        (_, ..20) => (0.0, 0.0),
        (1, ..60) => (0.33, 0.25),
        (1, _) => (0.22, 0.45),
        (_, ..60) => (0.11, 0.10),
        _ => (0.06, 0.08),
    };
    match dice.unit() {
        u if u < current => Smoking::Current,
        u if u < current + former => Smoking::Former,
        _ => Smoking::Never,
    }
}

/// Sex and birth of a member, before anything else is known.
#[derive(Clone, Copy, Debug)]
struct Sketch {
    sex: u8,
    birth: Date,
    /// Born with the member before, of the same sex or not.
    twin: bool,
}

/// Kinds of households and their shares (census 2020, rounded): alone, couple, couple with children, one parent, three generations.
const KINDS: [f64; 5] = [38.0, 24.0, 22.0, 8.0, 8.0];

/// Whose household it is, and its kind by its place in [`KINDS`].
pub(crate) struct Head {
    pub(crate) kind: usize,
    pub(crate) age: i32,
    pub(crate) sex: u8,
}

pub(crate) fn head(dice: &mut Dice) -> Head {
    let kind = dice.weighted(KINDS);
    let age = head_age(dice, kind);
    let men = match kind {
        // Most of the old who live alone are widows.
        0 if age >= 70 => 0.2,
        0 => 0.55,
        3 => 0.15,
        _ => 0.9,
    };
    Head { kind, age, sex: if dice.chance(men) { 1 } else { 2 } }
}

fn sketch(dice: &mut Dice) -> Vec<Sketch> {
    let Head { kind, age: head, sex: head_sex } = head(dice);
    let mut members = vec![born(dice, head_sex, head)];
    if matches!(kind, 1 | 2 | 4) {
        let age = head - dice.between(-2, 5);
        members.push(born(dice, 3 - head_sex, age));
    }
    if kind >= 2 {
        children(dice, &mut members, head);
    }
    if kind == 4 {
        let parent = head + dice.between(24, 32);
        members.push(born(dice, 2, parent));
        if dice.chance(0.5) {
            members.push(born(dice, 1, parent + 2));
        }
    }
    let mother = members.iter().find(|one| one.sex == 2).map(|one| calendar::age_on(one.birth, START));
    if matches!(kind, 1 | 2) && mother.is_some_and(|age| (24..40).contains(&age)) && dice.chance(0.16) {
        let days = calendar::days_between(START, END);
        let sex = if dice.chance(0.513) { 1 } else { 2 };
        let birth = calendar::plus_days(START, dice.between(0, days));
        members.push(Sketch { sex, birth, twin: false });
    }
    members
}

fn head_age(dice: &mut Dice, kind: usize) -> i32 {
    let age = match kind {
        0 => match dice.weighted([34.0, 28.0, 38.0]) {
            0 => dice.between(18, 39),
            1 => dice.between(40, 64),
            _ => 65 + whole(dice.unit().powf(1.1) * 31.0),
        },
        1 if dice.chance(0.16) => dice.between(25, 44),
        1 => 55 + whole(dice.unit().powf(0.85) * 33.0),
        2 => 28 + whole(dice.unit().powf(0.8) * 37.0),
        3 => dice.between(30, 66),
        _ => dice.between(36, 62),
    };
    age.min(101)
}

fn children(dice: &mut Dice, members: &mut Vec<Sketch>, head: i32) {
    let count = match dice.weighted([42.0, 44.0, 14.0]) {
        0 => 1,
        1 => 2,
        _ => 3,
    };
    let mut age = head - dice.between(25, 34);
    for _ in 0..count {
        if !(0..36).contains(&age) {
            break;
        }
        let sex = if dice.chance(0.513) { 1 } else { 2 };
        let child = born(dice, sex, age);
        members.push(child);
        // formats.md, 14: members of same-sex pairs are about 0.7 % of births; other twins as many.
        if dice.chance(0.009) {
            let same = if dice.chance(0.65) { sex } else { 3 - sex };
            members.push(Sketch { sex: same, birth: child.birth, twin: true });
        }
        age -= dice.between(1, 4);
    }
}

/// Somebody of so many years at the window's start.
fn born(dice: &mut Dice, sex: u8, age: i32) -> Sketch {
    let days = age * 36525 / 100 + dice.between(1, 364);
    Sketch { sex, birth: calendar::plus_days(START, -days), twin: false }
}
