//! What DPC hospitals report of their stays: 様式1, EF, D and H.

mod nursing;
mod severity;

use super::Scene;
use super::inpatient::{self, Admission, Reason};
use crate::calendar::{self, Month, plus_days};
use crate::course::Cond;
use crate::population::Smoking;
use crate::random::{Dice, whole};
use crate::records::{Bundled, Record, Stay, StayItem};

/// Reports of all DPC stays.
pub(crate) fn records(scene: &Scene<'_>, dice: &mut Dice, stays: &[Admission], records: &mut Vec<Record>) {
    for stay in stays.iter().filter(|stay| stay.dpc) {
        records.push(Record::Stay(Box::new(report(scene, dice, stay))));
    }
}

fn report(scene: &Scene<'_>, dice: &mut Dice, stay: &Admission) -> Stay {
    let person = scene.person;
    let ward = inpatient::ward(stay.reason);
    let month = Month::of(stay.from);
    let frail = person.course.has(Cond::Dementia, stay.from) || person.age_on(stay.from) >= 85;
    let icd = |code: &&'static str| catalog::codes::icd10_of_disease(code);
    let codes: Vec<&'static str> = inpatient::comorbidities(scene, stay, &ward).collect();
    let operation = ward.operation.map(|(_, k, _)| (k, operation_day(stay)));
    let stated = scene.stated(dice, month, stay.hospital);
    Stay {
        person: person.number,
        hospital: stay.hospital,
        municipality: crate::places::at(scene.household.home_in(month)).code,
        sex: person.sex,
        age: person.age_on(stay.from),
        admitted_on: stay.from,
        discharged_on: stay.to,
        main: catalog::codes::icd10_of_disease(ward.disease).unwrap_or("I10"),
        comorbidities: codes.iter().filter_map(icd).collect(),
        complication: (stay.days() > 20 && dice.chance(0.2)).then_some("J690"),
        emergency: stay.emergency,
        ambulance: stay.emergency && dice.chance(0.5),
        route_in: if frail && dice.chance(0.3) { 5 } else { 1 },
        discharge_to: discharge_to(dice, stay, frail),
        outcome: stay.outcome(),
        died_within_24h: stay.died && stay.days() <= 1,
        height_cm: whole(person.height_cm.round()),
        weight_kg: format!("{:.1}", person.bmi * (person.height_cm / 100.0).powi(2)),
        smoking_index: smoking_index(dice, person.smoking),
        jcs: coma(dice, stay),
        adl: (adl(dice, stay, frail, false), adl(dice, stay, frail, true)),
        operation,
        items: severity::items(&mut scene.dice(711), person, stay),
        dpc: ward.dpc,
        bundled: bundled(stay),
        nursing: nursing::days(&mut scene.dice(712 + u64::from(stay.from.day().unsigned_abs())), scene, stay),
        acts: acts(stay, &ward),
        insurer: stated.insurer.clone(),
        receipt_type: "1111".to_owned(),
        stated,
    }
}

fn operation_day(stay: &Admission) -> jiff::civil::Date {
    if stay.days() > 2 { plus_days(stay.from, 1).min(Month::of(stay.from).last()) } else { stay.from }
}

fn discharge_to(dice: &mut Dice, stay: &Admission, frail: bool) -> u8 {
    let heavy = matches!(stay.reason, Reason::HipFracture | Reason::Stroke);
    match () {
        () if stay.died => 9,
        () if heavy && dice.chance(0.5) => 4,
        () if frail && dice.chance(0.3) => 5,
        () => 1,
    }
}

fn smoking_index(dice: &mut Dice, smoking: Smoking) -> i32 {
    match smoking {
        Smoking::Current => dice.between(4, 24) * 50,
        Smoking::Former => dice.between(2, 16) * 50,
        Smoking::Never => 0,
    }
}

fn coma(dice: &mut Dice, stay: &Admission) -> (&'static str, &'static str) {
    let heavy = matches!(stay.reason, Reason::Stroke | Reason::Pneumonia) && dice.chance(0.35);
    let before = if heavy { ["1", "2", "10", "20"].get(dice.below(4)).copied().unwrap_or("1") } else { "0" };
    (before, if stay.died { "300" } else { "0" })
}

/// Ten digits of 0 to 2: fewer where the stay weighs more, more at its end.
fn adl(dice: &mut Dice, stay: &Admission, frail: bool, after: bool) -> String {
    let heavy = matches!(stay.reason, Reason::HipFracture | Reason::Stroke | Reason::Pneumonia);
    let able = match (heavy, after) {
        _ if after && stay.died => 0.0,
        (true, false) => 0.25,
        (true, true) => 0.6,
        (false, false) => 0.75,
        (false, true) => 0.9,
    } * if frail { 0.6 } else { 1.0 };
    let digit = |dice: &mut Dice| match (dice.chance(able), dice.chance(able)) {
        (true, _) => '2',
        (false, true) => '1',
        (false, false) => '0',
    };
    (0..10).map(|_| digit(dice)).collect()
}

/// The D file's bundled rows, one a calendar month. Who dies within a day is paid by the act (GR reason 01: formats.md, 1).
fn bundled(stay: &Admission) -> Vec<Bundled> {
    if stay.died && stay.days() <= 1 {
        return Vec::new();
    }
    let months = (Month::of(stay.from).0..=Month::of(stay.to).0).map(Month);
    let row = |month: Month| Bundled {
        from: month.first().max(stay.from),
        to: month.last().min(stay.to),
        points_a_day: inpatient::points_a_day(stay),
    };
    months.map(row).collect()
}

fn acts(stay: &Admission, ward: &inpatient::Ward) -> Vec<StayItem> {
    let mut acts = Vec::new();
    let act = |on, category, code, name, quantity, points| StayItem { on, category, code, name, quantity, points };
    if let Some((code, _, points)) = ward.operation {
        let on = operation_day(stay);
        acts.push(act(on, "50", code, "手術", 1.0, points));
        if let Some((material, points)) = ward.material {
            acts.push(act(on, "50", material, "特定器材", 1.0, points));
        }
    }
    let mut on = stay.from;
    while on <= stay.to {
        let day = calendar::days_between(stay.from, on);
        acts.push(act(on, "90", "190117710", "急性期一般入院料", 1.0, 1_688));
        if day % 4 == 0 {
            acts.push(act(on, "60", "160008010", "末梢血液一般検査", 1.0, 21));
        }
        if let Some((drug, dose, points)) = ward.drug.filter(|_| day < 7) {
            acts.push(act(on, "33", drug, "注射", dose, points));
        }
        if matches!(stay.reason, Reason::HipFracture | Reason::Stroke) && day >= 2 && day % 2 == 0 {
            let code = if stay.reason == Reason::Stroke { "180027510" } else { "180027410" };
            acts.push(act(on, "80", code, "リハビリテーション", 2.0, 490));
        }
        on = plus_days(on, 1);
    }
    acts
}
