//! Visits to clinics and hospital clinics, month by month.

use super::Scene;
use super::inpatient::Admission;
use super::treatment::{self, Acute, Dose, Practice};
use crate::calendar::Month;
use crate::course::Cond;
use crate::facilities::Kind;
use crate::population::Scheme;
use crate::random::{self, Dice};
use crate::records::{Claim, Dispensed, Draft, Form, Prescription, Record};

/// A practice that sees the person regularly.
struct Regular {
    practice: Practice,
    facility: usize,
    /// Months between visits.
    every: i32,
    phase: i32,
}

/// All outpatient claims of a person.
pub(crate) fn claims(scene: &Scene<'_>, dice: &mut Dice, stays: &[Admission], records: &mut Vec<Record>) {
    let home = scene.household.home_in(crate::calendar::FIRST);
    let regulars = regulars(scene, dice, home);
    let family_doctor = regulars.iter().find(|one| one.practice == Practice::Internal).map(|one| one.facility);
    let family_doctor = family_doctor.unwrap_or_else(|| scene.facilities.near(dice, home, Kind::Clinic));
    for month in Month::window().filter(|month| scene.person.lives_in(*month)) {
        let free = free_days(scene, month, stays);
        if free.is_empty() {
            continue;
        }
        for regular in &regulars {
            if (month.0 + regular.phase) % regular.every == 0 {
                records.extend(regular_visit(scene, dice, regular, month, &free).into_iter().flatten());
            }
        }
        if dice.chance(acute_rate(scene, month)) {
            let facility =
                if dice.chance(0.7) { family_doctor } else { scene.facilities.near(dice, home, Kind::Clinic) };
            records.extend(acute_visit(scene, dice, facility, month, &free).into_iter().flatten());
        }
    }
}

impl From<Claim> for Record {
    fn from(claim: Claim) -> Self {
        Self::Claim(Box::new(claim))
    }
}

/// Weekdays by number on which the person is neither in hospital nor dead nor unborn.
pub(super) fn free_days(scene: &Scene<'_>, month: Month, stays: &[Admission]) -> Vec<i32> {
    let last = scene.person.last_day_in(month);
    (1..=month.days())
        .filter(|day| {
            let date = month.day(*day);
            date >= scene.person.birth
                && date <= last
                && date.weekday() != jiff::civil::Weekday::Sunday
                && !stays.iter().any(|stay| stay.from <= date && date <= stay.to)
        })
        .collect()
}

fn regulars(scene: &Scene<'_>, dice: &mut Dice, home: usize) -> Vec<Regular> {
    let practices = [Practice::Internal, Practice::Orthopaedic, Practice::Eye, Practice::Mind, Practice::Tumour];
    let mut regulars = Vec::new();
    for practice in practices {
        let used =
            scene.person.course.on(crate::calendar::END).any(|(cond, _)| treatment::of(cond).practice == practice);
        let (seen, weights) = match practice {
            Practice::Internal => (0.90, [1.0, 4.0, 6.0]),
            Practice::Orthopaedic => (0.6, [3.0, 3.0, 3.0]),
            Practice::Eye => (0.6, [0.0, 2.0, 8.0]),
            Practice::Mind => (0.85, [6.0, 3.0, 1.0]),
            Practice::Tumour => (0.95, [3.0, 3.0, 4.0]),
        };
        if !used || !dice.chance(seen) {
            continue;
        }
        let hospital = match practice {
            Practice::Tumour => true,
            Practice::Internal => dice.chance(0.2),
            Practice::Eye | Practice::Mind | Practice::Orthopaedic => false,
        };
        let kind = if hospital { Kind::Hospital } else { Kind::Clinic };
        let facility = scene.facilities.near(dice, home, kind);
        let every = i32::try_from(dice.weighted(weights)).unwrap_or(0) + 1;
        regulars.push(Regular { practice, facility, every, phase: dice.between(0, 5) });
    }
    regulars
}

/// Chance of a short illness with a visit in a month: children and the old more, winter more.
fn acute_rate(scene: &Scene<'_>, month: Month) -> f64 {
    let base = match scene.person.age_on(month.first()) {
        ..7 => 0.26,
        7..15 => 0.14,
        15..65 => 0.07,
        65.. => 0.08,
    };
    let winter = matches!(month.0.rem_euclid(12), 0 | 1 | 11);
    base * if winter { 1.25 } else { 0.95 } * if scene.person.canary { 2.0 } else { 1.0 }
}

/// A visit for everything a practice follows up.
fn regular_visit(
    scene: &Scene<'_>,
    dice: &mut Dice,
    regular: &Regular,
    month: Month,
    free: &[i32],
) -> Option<Vec<Record>> {
    let day = *dice.pick(free)?;
    let date = month.day(day);
    let known: Vec<(Cond, jiff::civil::Date)> =
        scene.person.course.on(date).filter(|(cond, _)| treatment::of(*cond).practice == regular.practice).collect();
    let first_visit = known.iter().map(|(_, onset)| *onset).min()?;
    let stated = scene.stated(dice, month, regular.facility);
    let mut draft = Draft::new(scene.person, stated, month, regular.facility)?;
    draft.0.department = Some(regular.practice.department());
    let mut doses: Vec<Dose> = Vec::new();
    for (cond, onset) in &known {
        let treatment = treatment::of(*cond);
        let topic = *cond as u64;
        let disease = scene.keeps(topic, treatment.diseases)?;
        draft.diagnose(disease, *onset);
        for (group, (percent, choices)) in treatment.drugs.iter().enumerate() {
            let spot = topic * 16 + group as u64;
            let choice = scene.keeps(spot + 10_000, choices);
            if let Some(dose) = choice.filter(|dose| scene.fixed(spot + 5_000) < *percent && !has(&doses, dose.0)) {
                doses.push(*dose);
            }
        }
    }
    let hospital = scene.facilities.at(regular.facility).is_some_and(|facility| facility.beds > 0);
    if Month::of(first_visit) == month {
        draft.procedure("11", "111000110", 288, &[day]);
    } else if hospital {
        draft.procedure("12", "112011310", 74, &[day]);
    } else {
        draft.procedure("12", "112007410", 73, &[day]);
        draft.procedure("12", "112011010", 52, &[day]);
    }
    if regular.practice == Practice::Internal && !hospital {
        draft.procedure("13", "113001810", 225, &[day]);
    }
    tests(dice, &mut draft, &known, day);
    extras(scene, dice, &mut draft, date);
    let pharmacy = prescribe(scene, dice, &mut draft, &doses, regular.every * 30, day);
    let claim = draft.finish(vec![day]);
    Some([Some(claim), pharmacy].into_iter().flatten().map(Record::from).collect())
}

fn has(doses: &[Dose], code: &str) -> bool {
    doses.iter().any(|dose| dose.0 == code)
}

fn tests(dice: &mut Dice, draft: &mut Draft, known: &[(Cond, jiff::civil::Date)], day: i32) {
    let mut done: Vec<&'static str> = Vec::new();
    for (cond, _) in known {
        for (section, code, points, percent) in treatment::of(*cond).tests {
            if dice.chance(percent / 100.0) && !done.contains(code) {
                done.push(code);
                draft.procedure(section, code, *points, &[day]);
            }
        }
    }
    if done.iter().any(|code| code.starts_with("1600")) {
        draft.procedure("60", "160095710", 37, &[day]);
    }
}

/// What tests are often justified with.
const SUSPECTED: [&str; 12] = [
    "5319009", "1519009", "1539006", "4139007", "2500015", "2449001", "4273010", "5859011", "2809003", "5718009",
    "7140006", "1629009",
];

/// Suspected and uncoded diagnoses, comments, other public payers: what real claims carry besides.
fn extras(scene: &Scene<'_>, dice: &mut Dice, draft: &mut Draft, date: jiff::civil::Date) {
    // formats.md, 14: 10-20 % of diagnoses are suspected in hospitals, fewer in clinics; 3-5 % are uncoded.
    if dice.chance(0.08) {
        let usual = dice.pick(&SUSPECTED).copied().unwrap_or("5319009");
        let code = if dice.chance(0.004) { "0119001" } else { usual };
        draft.diagnose(code, date).modifiers = "8002";
    }
    if dice.chance(0.05) {
        let text =
            *dice.pick(&["右上腹部の違和感", "原因不明のめまい", "下肢のだるさ", "食欲の低下"]).unwrap_or(&"めまい");
        draft.diagnose("0000999", date).text = Some(text.to_owned());
    }
    if dice.chance(0.10) {
        draft.comment("99", comment(scene, dice, &draft.0.stated.kanji));
    }
    if draft.0.cover.scheme != Scheme::Assistance && scene.fixed(77) == 0 {
        // 54 難病: a payer of the prefecture and a recipient's number.
        let prefecture = crate::places::at(scene.household.home_in(draft.0.month)).prefecture();
        draft.0.public = Some(crate::records::PublicExpense {
            payer: crate::digits::checked(&format!("54{prefecture}601")),
            recipient: format!("{:07}", random::permute(scene.person.number, 7, 41)),
        });
    }
}

/// A comment; one in ten names the patient or a relative with a telephone (formats.md, 14).
pub(super) fn comment(scene: &Scene<'_>, dice: &mut Dice, kanji: &str) -> String {
    if scene.person.canary || dice.chance(0.1) {
        let phone = crate::digits::full_width(&scene.household.phone);
        return format!("{kanji}様のご家族（{phone}）に説明済");
    }
    (*dice.pick(&["検査の必要性を説明", "服薬状況を確認", "次回採血予定", "生活習慣の指導を実施"]).unwrap_or(&"説明済"))
        .to_owned()
}

/// Routes with their sections (診療識別) and dosage forms (剤形).
const ROUTES: [(&str, &str, u8); 3] = [("oral", "21", 1), ("external", "23", 5), ("injection", "33", 3)];

/// Drugs: handed out in house, or a prescription and the pharmacy's claim for it.
fn prescribe(
    scene: &Scene<'_>,
    dice: &mut Dice,
    draft: &mut Draft,
    doses: &[Dose],
    days: i32,
    day: i32,
) -> Option<Claim> {
    let groups = ROUTES.map(|(route, section, form)| {
        let of = |dose: &&Dose| catalog::codes::drug(dose.0).and_then(|drug| drug.route) == Some(route);
        (section, form, doses.iter().filter(of).copied().collect::<Vec<Dose>>())
    });
    let groups: Vec<_> = groups.into_iter().filter(|(_, _, group)| !group.is_empty()).collect();
    if groups.is_empty() {
        return None;
    }
    if scene.facilities.at(draft.0.facility).is_some_and(|facility| facility.in_house) {
        for (section, form, group) in &groups {
            draft.drugs(section, group, if *form == 1 { days } else { 1 }, day);
        }
        draft.procedure("25", "120001010", 42, &[day]);
        return None;
    }
    draft.procedure("80", "120002910", 68, &[day]);
    let groups = groups.into_iter().map(|(_, form, group)| Dispensed {
        form,
        quantity: if form == 1 { days } else { 1 },
        points: group.iter().map(|dose| dose.2).sum(),
        drugs: group.iter().map(|dose| (dose.0, dose.1)).collect(),
    });
    // One prescription in fifty is never taken to a pharmacy.
    if dice.chance(0.02) { None } else { dispense(scene, dice, &draft.0, groups.collect(), day) }
}

/// The pharmacy's claim for a prescription of that day.
fn dispense(scene: &Scene<'_>, dice: &mut Dice, from: &Claim, groups: Vec<Dispensed>, day: i32) -> Option<Claim> {
    let month = from.month;
    let home = scene.household.home_in(month);
    let pharmacies = scene.facilities.of_kind(home, Kind::Pharmacy);
    let pharmacy = scene.keeps(401, pharmacies).copied()?;
    let prescribed_on = month.day(day);
    let later = i32::from(dice.chance(0.1));
    let dispensed_on = month.day(day + later).min(scene.person.last_day_in(month));
    let stated = scene.stated(dice, month, pharmacy);
    let mut draft = Draft::new(scene.person, stated, month, pharmacy)?;
    draft.0.points = 87 + groups.iter().map(|group| group.points * group.quantity + 24).sum::<i32>();
    draft.0.public.clone_from(&from.public);
    draft.0.form = Form::Pharmacy(Prescription {
        prescriber: from.facility,
        doctor: crate::names::doctor(from.facility),
        prescribed_on,
        dispensed_on,
        groups,
    });
    Some(draft.finish(vec![i32::from(dispensed_on.day())]))
}

fn acute_visit(scene: &Scene<'_>, dice: &mut Dice, facility: usize, month: Month, free: &[i32]) -> Option<Vec<Record>> {
    let age = scene.person.age_on(month.first());
    let group = match age {
        ..15 => 0,
        15..65 => 1,
        65.. => 2,
    };
    let winter = matches!(month.0.rem_euclid(12), 0 | 1 | 11);
    let weight =
        |one: &Acute| one.weights.get(group).copied().unwrap_or(1.0) * if one.winter && !winter { 0.15 } else { 1.0 };
    let weights: Vec<f64> = treatment::ACUTE.iter().map(weight).collect();
    let acute = treatment::ACUTE.get(dice.weighted(weights.iter().copied()))?;
    let (one, other) = (*dice.pick(free)?, again(dice, free));
    let day = other.map_or(one, |other| one.min(other));
    let date = month.day(day);
    let stated = scene.stated(dice, month, facility);
    let mut draft = Draft::new(scene.person, stated, month, facility)?;
    draft.0.department = Some("01");
    draft.diagnose(acute.disease, date).outcome = if dice.chance(0.4) { 2 } else { 1 };
    draft.procedure("11", "111000110", 288, &[day]);
    if let Some((section, code, points)) = acute.test {
        draft.procedure(section, code, points, &[day]);
    }
    let mut visits = vec![day];
    if let Some(again) = other.map(|other| one.max(other)).filter(|again| *again != day) {
        visits.push(again);
        draft.procedure("12", "112007410", 73, &[again]);
    }
    extras(scene, dice, &mut draft, date);
    let pharmacy = prescribe(scene, dice, &mut draft, acute.drugs, days_of(acute), day);
    let claim = draft.finish(visits);
    Some([Some(claim), pharmacy].into_iter().flatten().map(Record::from).collect())
}

/// One short illness in four brings a second visit in the month.
fn again(dice: &mut Dice, free: &[i32]) -> Option<i32> {
    if dice.chance(0.25) { dice.pick(free).copied() } else { None }
}

fn days_of(acute: &Acute) -> i32 {
    if acute.winter { 5 } else { 7 }
}
