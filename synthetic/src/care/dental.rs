//! Visits to the dentist: about two receipts a person and year (formats.md, 15), never two a month.

use super::Scene;
use super::inpatient::Admission;
use super::outpatient;
use crate::calendar::{self, Month, plus_days};
use crate::facilities::Kind;
use crate::random::Dice;
use crate::records::{Claim, Draft, Form, Mouth, Record};

/// Of one hundred persons, so many see a dentist.
const SEEN: u32 = 60;
/// Chance of a month with a visit, for them.
const RATE: f64 = 0.24;

/// Why somebody sits there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Caries,
    Gums,
    Missing,
    Root,
}

/// Dental claims of a person.
pub(crate) fn claims(scene: &Scene<'_>, stays: &[Admission], records: &mut Vec<Record>) {
    let dice = &mut scene.dice(601);
    let home = scene.household.home_in(calendar::FIRST);
    let dentist = scene.keeps(601, scene.facilities.of_kind(home, Kind::Dental)).copied();
    let Some(dentist) = dentist.filter(|_| scene.fixed(602) < SEEN) else { return };
    let mut last_visit: Option<Month> = None;
    for month in Month::window().filter(|month| scene.person.lives_in(*month)) {
        let free = outpatient::free_days(scene, month, stays);
        if scene.person.age_on(month.first()) < 3 || free.is_empty() || !dice.chance(RATE) {
            continue;
        }
        let again = last_visit.is_some_and(|last| month.0 - last.0 <= 3);
        last_visit = Some(month);
        records.extend(claim(scene, dice, dentist, month, &free, again).map(Record::from));
    }
}

fn claim(scene: &Scene<'_>, dice: &mut Dice, dentist: usize, month: Month, free: &[i32], again: bool) -> Option<Claim> {
    let mut visits: Vec<i32> = (0..dice.between(1, 3)).filter_map(|_| dice.pick(free).copied()).collect();
    visits.sort_unstable();
    visits.dedup();
    let first = *visits.first()?;
    let stated = scene.stated(dice, month, dentist);
    let mut draft = Draft::new(scene.person, stated, month, dentist)?;
    let trouble = trouble(dice, scene.person.age_on(month.first()));
    let started_on = if again { plus_days(month.day(first), -dice.between(20, 80)) } else { month.day(first) };
    let started_on = started_on.max(scene.person.birth);
    let mut teeth = vec![formula(dice, trouble)];
    draft.diagnose(code(trouble), started_on).outcome = if dice.chance(0.4) { 2 } else { 1 };
    if trouble != Trouble::Gums && dice.chance(0.5) {
        let suspected = if dice.chance(0.1) { "8002" } else { "" };
        draft.diagnose(code(Trouble::Gums), started_on).modifiers = suspected;
        teeth.push(formula(dice, Trouble::Gums));
    }
    let rest = visits.get(1..).unwrap_or_default();
    if again {
        draft.procedure("12", "301001610", 56, &visits);
    } else {
        draft.procedure("11", "301000110", 264, &[first]);
        draft.procedure("12", "301001610", 56, rest);
    }
    draft.procedure("13", "302000110", 100, &[first]);
    treat(dice, &mut draft, trouble, &visits);
    if dice.chance(0.06) {
        let text = outpatient::comment(scene, dice, &draft.0.stated.kanji);
        draft.comment("99", text);
    }
    draft.0.form = Form::Dental(Mouth { started_on, teeth });
    Some(draft.finish(visits))
}

fn trouble(dice: &mut Dice, age: i32) -> Trouble {
    let weights = match age {
        ..20 => [80.0, 14.0, 0.0, 6.0],
        20..60 => [32.0, 45.0, 5.0, 18.0],
        60.. => [20.0, 45.0, 22.0, 13.0],
    };
    let all = [Trouble::Caries, Trouble::Gums, Trouble::Missing, Trouble::Root];
    all.get(dice.weighted(weights)).copied().unwrap_or(Trouble::Caries)
}

fn code(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Caries => "5210007",
        Trouble::Gums => "5234009",
        Trouble::Missing => "5251009",
        Trouble::Root => "5226006",
    }
}

/// 歯式: tooth (1011 to 1048), state and part, for one tooth or a row of them.
fn formula(dice: &mut Dice, trouble: Trouble) -> String {
    let quadrant = dice.between(1, 4);
    let one = |tooth: i32| format!("10{quadrant}{tooth}00");
    match trouble {
        Trouble::Gums => (1..=7).map(one).collect(),
        Trouble::Missing => (5..=6).map(one).collect(),
        Trouble::Caries | Trouble::Root => one(dice.between(1, 8)),
    }
}

fn treat(dice: &mut Dice, draft: &mut Draft, trouble: Trouble, visits: &[i32]) {
    let (first, last) = (visits.first().copied().unwrap_or(1), visits.last().copied().unwrap_or(1));
    if dice.chance(0.4) {
        draft.procedure("31", "305000210", 48, &[first]);
    }
    match trouble {
        Trouble::Caries => {
            draft.procedure("54", "311000110", 30, &[first]);
            draft.procedure("62", "313000810", 128, &[last]);
            draft.material("62", "740020005", 11, last);
        }
        Trouble::Gums => {
            draft.procedure("31", "306000410", 200, &[first]);
            draft.procedure("41", "309004810", 72, visits);
        }
        Trouble::Missing => {
            draft.procedure("61", "312000210", 283, &[first]);
            draft.procedure("64", "314001210", 642, &[last]);
            draft.material("64", "740010112", 345, last);
        }
        Trouble::Root => {
            // An extraction or a canal; before the first a blood test of the medical fee table now and then.
            if dice.chance(0.4) {
                if dice.chance(0.2) {
                    draft.procedure("31", "160008010", 21, &[first]);
                }
                draft.procedure("41", "310000310", 270, &[last]);
            } else {
                draft.procedure("41", "309002110", 232, &[first]);
            }
            draft.drugs("21", &[("620005541", 3.0, 5), ("620098801", 3.0, 3)], dice.between(3, 5), first);
        }
    }
}
