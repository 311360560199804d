//! Specific health checkups: once a fiscal year for a part of those aged 40 to 74, with guidance for some of them.

use super::Scene;
use super::labs::Labs;
use crate::calendar::{END, FIRST, Month, plus_days};
use crate::course::Cond;
use crate::facilities::Kind;
use crate::population::{Scheme, Smoking};
use crate::random::Dice;
use crate::records::{Checkup, Guidance, Measure, Record};

/// Checkups of a person.
pub(crate) fn records(scene: &Scene<'_>, dice: &mut Dice, records: &mut Vec<Record>) {
    // formats.md, 15: 58 % of those eligible are examined (here a few less, for the size of the files); who goes once goes
    // again.
    if scene.fixed(501) >= 47 {
        return;
    }
    for year in 0..2 {
        let month = FIRST.plus(year * 12 + dice.between(2, 10));
        // Never on the first of a month, so that no claim states a place on the same day.
        let checked_on = month.day(dice.between(4, 26));
        let year_end = FIRST.plus(year * 12 + 11).last();
        let age = scene.person.age_on(year_end);
        let alive = scene.person.death.is_none_or(|death| checked_on < death);
        let insured = scene
            .person
            .coverage_in(month)
            .is_some_and(|cover| !matches!(cover.scheme, Scheme::Assistance | Scheme::LateElderly));
        if (40..75).contains(&age) && alive && insured && dice.chance(0.92) {
            let one = checkup(scene, dice, month, checked_on);
            let course = guided(scene, year, &one);
            records.push(Record::Checkup(Box::new(one)));
            records.extend(course.map(|course| Record::Guidance(Box::new(course))));
        }
    }
}

fn checkup(scene: &Scene<'_>, dice: &mut Dice, month: Month, on: jiff::civil::Date) -> Checkup {
    let person = scene.person;
    let home = scene.household.home_in(month);
    let clinics = scene.facilities.of_kind(home, Kind::Clinic);
    let facility = scene.keeps(502, clinics).copied();
    let measured = measure(scene, dice, on);
    let course = &person.course;
    let takes = |cond, percent: f64| if course.has(cond, on) && dice_of(scene, cond) < percent { 1 } else { 2 };
    let takes = [takes(Cond::Hypertension, 85.0), takes(Cond::Diabetes, 80.0), takes(Cond::Dyslipidaemia, 70.0)];
    let yes = |any: bool| if any { 1 } else { 2 };
    let had = [
        yes(course.has(Cond::Stroke, on)),
        yes(course.has(Cond::Infarction, on) || course.has(Cond::Angina, on)),
        yes(course.has(Cond::Kidney, on)),
    ];
    let urine = (
        if course.has(Cond::Kidney, on) { 2 + dice.small(4) } else { 1 + u8::from(dice.chance(0.06)) },
        if course.has(Cond::Diabetes, on) && dice.chance(0.4) { 2 + dice.small(4) } else { 1 },
    );
    let smokes = yes(person.smoking == Smoking::Current);
    let metabolic = metabolic(&measured, takes, person.sex);
    let drinks = if person.sex == 1 { [40.0, 30.0, 30.0] } else { [12.0, 28.0, 60.0] };
    Checkup {
        person: person.number,
        facility: facility.unwrap_or(0),
        stated: scene.stated(dice, month, facility.unwrap_or(0)),
        municipality: crate::places::at(home).code,
        checked_on: on,
        measures: measured.written(),
        urine,
        since_meal: if dice.chance(0.85) { 1 } else { 2 },
        smokes,
        drinks: u8::try_from(dice.weighted(drinks)).unwrap_or(0) + 1,
        takes,
        had,
        metabolic,
        guidance: guidance(metabolic, takes, smokes),
    }
}

/// Of those advised to take part, about a third begin; some stop on the way (formats.md has no rates: estimates).
fn guided(scene: &Scene<'_>, year: i32, after: &Checkup) -> Option<Guidance> {
    let dice = &mut scene.dice(530 + u64::from(year.unsigned_abs()));
    if !matches!(after.guidance, 1 | 2) || !dice.chance(0.35) {
        return None;
    }
    let month = Month::of(after.checked_on).plus(dice.between(1, 4));
    let alive = |on| scene.person.death.is_none_or(|death| on < death) && on <= END;
    let started_on = Some(month.day(dice.between(4, 26))).filter(|on| alive(*on))?;
    // Somebody whose insurer has changed is no longer guided by the old one.
    let same = scene.person.coverage_in(month) == scene.person.coverage_in(Month::of(after.checked_on));
    let completed = dice.chance(0.75);
    let last = plus_days(started_on, if completed { dice.between(90, 190) } else { dice.between(15, 80) });
    let ended_on = Some(last).filter(|on| alive(*on));
    same.then(|| Guidance {
        person: after.person,
        facility: after.facility,
        stated: scene.stated(dice, month, after.facility),
        municipality: crate::places::at(scene.household.home_in(month)).code,
        level: after.guidance,
        started_on,
        ended_on,
        completed: completed && ended_on.is_some(),
    })
}

fn dice_of(scene: &Scene<'_>, cond: Cond) -> f64 {
    f64::from(scene.fixed(510 + cond as u64))
}

/// All numbers of an examination.
struct Measured {
    bmi: f64,
    height: f64,
    waist: f64,
    pressure: (f64, f64),
    triglyceride: f64,
    hdl: f64,
    ldl: f64,
    liver: [f64; 3],
    glucose: f64,
    hba1c: f64,
    egfr: f64,
    creatinine: f64,
    uric_acid: f64,
    hemoglobin: f64,
}

fn measure(scene: &Scene<'_>, dice: &mut Dice, on: jiff::civil::Date) -> Measured {
    let labs = Labs::new(scene, on);
    let bmi = (scene.person.bmi + 0.3 * dice.normal()).clamp(14.0, 50.0);
    let waist = bmi * 2.35 + if scene.person.sex == 1 { 29.0 } else { 27.5 } + 3.0 * dice.normal();
    let egfr = labs.egfr(dice);
    Measured {
        bmi,
        height: scene.person.height_cm,
        waist,
        pressure: labs.pressure(dice),
        triglyceride: labs.triglyceride(dice),
        hdl: labs.hdl(dice),
        ldl: labs.ldl(dice),
        liver: labs.liver(dice),
        glucose: labs.glucose(dice),
        hba1c: labs.hba1c(dice),
        egfr,
        creatinine: labs.creatinine(egfr),
        uric_acid: labs.uric_acid(dice),
        hemoglobin: labs.hemoglobin(dice),
    }
}

impl Measured {
    fn written(&self) -> Vec<Measure> {
        let weight = self.bmi * (self.height / 100.0).powi(2);
        let [ast, alt, ggt] = self.liver;
        let all = [
            ("9N001000000000001", self.height, 1, "cm"),
            ("9N006000000000001", weight, 1, "kg"),
            ("9N011000000000001", self.bmi, 1, "kg/m2"),
            ("9N016160100000001", self.waist, 1, "cm"),
            ("9A751000000000001", self.pressure.0, 0, "mm[Hg]"),
            ("9A761000000000001", self.pressure.1, 0, "mm[Hg]"),
            ("3F015000002327101", self.triglyceride, 0, "mg/dL"),
            ("3F070000002327101", self.hdl, 0, "mg/dL"),
            ("3F077000002327101", self.ldl, 0, "mg/dL"),
            ("3B035000002327201", ast, 0, "U/L"),
            ("3B045000002327201", alt, 0, "U/L"),
            ("3B090000002327101", ggt, 0, "U/L"),
            ("3D010000001926101", self.glucose, 0, "mg/dL"),
            ("3D046000001906202", self.hba1c, 1, "%"),
            ("3C015000002327101", self.creatinine, 2, "mg/dL"),
            ("8A065000002391901", self.egfr, 1, "mL/min/1.73m2"),
            ("3C020000002327101", self.uric_acid, 1, "mg/dL"),
            ("2A030000001930101", self.hemoglobin, 1, "g/dL"),
        ];
        all.map(|(code, value, decimals, unit)| Measure { code, value: format!("{value:.decimals$}"), unit }).into()
    }
}

/// メタボリックシンドローム判定 by waist and the number of further risks.
fn metabolic(measured: &Measured, takes: [u8; 3], sex: u8) -> u8 {
    let wide = measured.waist >= if sex == 1 { 85.0 } else { 90.0 };
    let [pressure, glucose, lipids] = takes;
    let risks = [
        pressure == 1 || measured.pressure.0 >= 130.0 || measured.pressure.1 >= 85.0,
        glucose == 1 || measured.glucose >= 110.0,
        lipids == 1 || measured.triglyceride >= 150.0 || measured.hdl < 40.0,
    ];
    match (wide, risks.iter().filter(|risk| **risk).count()) {
        (true, 2..) => 1,
        (true, 1) => 2,
        _ => 3,
    }
}

fn guidance(metabolic: u8, takes: [u8; 3], smokes: u8) -> u8 {
    if takes.contains(&1) {
        return 3;
    }
    match (metabolic, smokes) {
        (1, _) | (2, 1) => 1,
        (2, _) => 2,
        _ => 3,
    }
}
