//! Long-term care: when somebody is certified, at which level, and what is used.

use jiff::civil::Date;

use super::Scene;
use super::inpatient::Admission;
use super::life;
use crate::calendar::{self, END, Month, plus_days};
use crate::course::Cond;
use crate::facilities::Kind;
use crate::mistakes::Site;
use crate::places;
use crate::random::{Dice, whole};
use crate::records::{CareLevel, Certification, LongTermClaim, Record, ServiceLine};

/// Certifications and monthly claims of a person.
pub(crate) fn records(scene: &Scene<'_>, dice: &mut Dice, stays: &[Admission], records: &mut Vec<Record>) {
    let Some(start) = start(scene, dice) else { return };
    let terms = terms(scene, dice, start);
    let Some(first) = terms.first() else { return };
    let plan = Plan::draw(scene, dice, first.level);
    let before = records.len();
    for month in Month::window().filter(|month| scene.person.lives_in(*month)) {
        let Some(term) = terms.iter().rev().find(|term| term.from <= month.first() && month.first() <= term.to) else {
            continue;
        };
        let away = stays.iter().any(|stay| stay.from <= month.first() && stay.to >= month.last());
        if plan.uses && !away {
            claims(scene, dice, &plan, term, month, records);
        }
    }
    let used = life::used(records.get(before..).unwrap_or_default());
    life::records(scene, &used, records);
    for term in &terms {
        records.push(Record::Certification(Box::new(certification(scene, dice, term))));
    }
}

/// A certified term.
#[derive(Clone, Copy, Debug)]
struct Term {
    applied: Date,
    from: Date,
    to: Date,
    level: CareLevel,
}

/// The day of the first application: what makes people dependent does so at its onset (formats.md, 15: rates by age).
fn start(scene: &Scene<'_>, dice: &mut Dice) -> Option<Date> {
    let person = scene.person;
    if person.age_on(calendar::START) < 65 {
        return None;
    }
    let causes = [
        (Cond::HipFracture, 0.62, 45),
        (Cond::Dementia, 0.85, 180),
        (Cond::Stroke, 0.5, 60),
        (Cond::Parkinson, 0.6, 400),
    ];
    for (cond, share, delay) in causes {
        if let Some(onset) = person.course.onset(cond).filter(|_| dice.chance(share)) {
            return Some(plus_days(onset, dice.between(delay / 2, delay * 3 / 2)).max(turned_65(person.birth)));
        }
    }
    let rate = match person.age_on(END) {
        ..70 => 0.012,
        70..75 => 0.025,
        75..80 => 0.06,
        80..85 => 0.15,
        85..90 => 0.32,
        90.. => 0.60,
    };
    let years = dice.exponential(2.5).min(8.0);
    dice.chance(rate).then(|| plus_days(END, -whole(years * 365.25)).max(turned_65(person.birth)))
}

fn turned_65(birth: Date) -> Date {
    plus_days(birth, 65 * 36525 / 100 + 1)
}

/// Terms of a certification that touch the window; need grows.
fn terms(scene: &Scene<'_>, dice: &mut Dice, start: Date) -> Vec<Term> {
    let has = |cond| scene.person.course.has(cond, start);
    let heavy = [(Cond::Dementia, 1.0), (Cond::Stroke, 1.2), (Cond::HipFracture, 1.0), (Cond::Parkinson, 0.8)];
    let base: f64 = heavy.iter().filter(|(cond, _)| has(*cond)).map(|(_, more)| more).sum();
    let mut level = (0.8 + base + 1.3 * dice.normal()).clamp(0.0, 6.0);
    // Applied on days 3 to 27, so that no two statements about a place share the first of a month.
    let mut applied = Month::of(start).day(i32::from(start.day()).clamp(3, 27));
    let mut terms = Vec::new();
    while applied < END && scene.person.death.is_none_or(|death| applied < death) {
        let from = Month::of(applied).plus(1).first();
        let months = if level < 2.0 || terms.is_empty() { 12 } else { 24 };
        let to = Month::of(from).plus(months - 1).last();
        if to >= calendar::START {
            terms.push(Term {
                applied,
                from,
                to,
                level: CareLevel(usize::try_from(whole(level.round())).unwrap_or(0)),
            });
        }
        level = (level + f64::from(dice.small(3)) * 0.45).min(6.0);
        applied = Month::of(to).day(dice.between(3, 27));
    }
    terms
}

fn certification(scene: &Scene<'_>, dice: &mut Dice, term: &Term) -> Certification {
    // Thresholds of minutes by level (formats.md, 6), tenths.
    let (low, high) = [(250, 319), (320, 499), (320, 499), (500, 699), (700, 899), (900, 1099), (1100, 1500)]
        .get(term.level.0)
        .copied()
        .unwrap_or((1100, 1500));
    let demented = scene.person.course.has(Cond::Dementia, term.applied);
    let weight = i32::try_from(term.level.0).unwrap_or(0);
    let score = |dice: &mut Dice, slope: i32| (1000 - weight * slope - dice.between(0, 150)).clamp(0, 1000);
    let slope = if demented { 110 } else { 30 };
    let month = Month::of(term.applied);
    Certification {
        person: scene.person.number,
        stated: scene.stated_by(dice, month, Site::of(places::at(scene.household.home_in(month)).code)),
        municipality: places::at(scene.household.home_in(month)).code,
        applied_on: term.applied,
        age: scene.person.age_on(term.applied),
        certified_on: plus_days(term.applied, dice.between(20, 35)),
        valid: (term.from, term.to),
        level: term.level,
        first_judgement: term.level,
        minutes: dice.between(low, high),
        scores: [score(dice, 110), score(dice, 100), score(dice, slope), score(dice, slope / 2), score(dice, 90)],
        dementia: if demented { 2 + dice.below(5) } else { dice.below(2) },
        bedridden: (term.level.0 + dice.below(3)).min(8),
    }
}

/// Where and what somebody uses.
struct Plan {
    uses: bool,
    residential: bool,
    provider: usize,
    equipment: usize,
    mix: u32,
}

impl Plan {
    fn draw(scene: &Scene<'_>, dice: &mut Dice, level: CareLevel) -> Self {
        let home = scene.household.home_in(calendar::FIRST);
        Self {
            uses: dice.chance(0.88),
            residential: level.0 >= 4 && dice.chance(0.4),
            provider: scene.facilities.near(dice, home, Kind::LongTerm),
            equipment: scene.facilities.near(dice, home, Kind::LongTerm),
            mix: scene.fixed(301),
        }
    }
}

/// What a provider bills together: exchange id, provider, lines.
type Bill = (&'static str, usize, Vec<ServiceLine>);

fn used(dice: &mut Dice, plan: &Plan, level: CareLevel, month: Month) -> Vec<Bill> {
    let line = |code, unit_points, count| ServiceLine { code, unit_points, count };
    let days = month.days();
    let visits = 4 + i32::try_from(level.0).unwrap_or(0) * 2 + dice.between(0, 4);
    let mut groups: Vec<Bill> = Vec::new();
    if level.preventive() {
        let lines = match plan.mix % 3 {
            0 => vec![line("A61111", 1_672, 1)],
            1 => vec![line("661121", 2_053, 1)],
            _ => vec![line("631211", 450, visits)],
        };
        let exchange = if plan.mix.is_multiple_of(3) { "71R1" } else { "7132" };
        groups.push((exchange, plan.provider, lines));
        if plan.mix < 40 {
            groups.push(("7132", plan.equipment, vec![line("671003", 500, days)]));
        }
    } else if plan.residential {
        let (exchange, code, points) = match plan.mix % 4 {
            0 => ("7171", "321121", 760),
            1 => ("7195", "521121", 830),
            _ => ("7183", "511121", 720),
        };
        groups.push((
            exchange,
            plan.provider,
            vec![line(code, points + 60 * i32::try_from(level.0).unwrap_or(0), days)],
        ));
    } else {
        let mut lines = Vec::new();
        if plan.mix % 100 < 60 {
            lines.push(line("155241", 650, visits));
        }
        if plan.mix % 10 < 5 {
            lines.push(line("111211", 396, visits * 2));
        }
        if plan.mix % 7 < 2 || lines.is_empty() {
            lines.push(line("131211", 821, visits / 2 + 1));
        }
        groups.push(("7131", plan.provider, lines));
        if plan.mix % 20 < 13 {
            groups.push(("7131", plan.equipment, vec![line("171003", 900, 1)]));
        }
        if plan.mix.is_multiple_of(12) {
            groups.push(("7131", plan.equipment, vec![line("211211", 740, visits / 2)]));
        }
    }
    groups
}

fn claims(scene: &Scene<'_>, dice: &mut Dice, plan: &Plan, term: &Term, month: Month, records: &mut Vec<Record>) {
    let groups = used(dice, plan, term.level, month);
    let mut done: Vec<(&'static str, usize)> = Vec::new();
    for (exchange, facility, lines) in groups {
        if done.contains(&(exchange, facility)) {
            continue;
        }
        done.push((exchange, facility));
        records.push(Record::LongTerm(Box::new(LongTermClaim {
            person: scene.person.number,
            month,
            facility,
            exchange,
            stated: scene.stated(dice, month, facility),
            municipality: places::at(scene.household.home_in(month)).code,
            level: term.level,
            valid: (term.from, term.to),
            died_on: scene.person.death.filter(|death| Month::of(*death) == month),
            lines,
        })));
    }
}
