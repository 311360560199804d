//! What providers send to LIFE: who the user is, an assessment every half year, the ADL in the first month and the seventh.

use super::Scene;
use crate::calendar::{FIRST, Month, compact};
use crate::course::Cond;
use crate::random::{self, Dice};
use crate::records::{CareLevel, LifeForm, LifeReport, Record, Stated};

/// Services whose providers report here: day care, group homes, the two large kinds of care homes.
const SERVICES: [&str; 4] = ["15", "32", "51", "52"];
/// Of one hundred users, so many are reported.
const REPORTED: u32 = 65;
/// Months between assessments.
const EVERY: i32 = 6;

/// A month of service at one provider.
#[derive(Clone, Copy, Debug)]
pub(super) struct Used {
    month: Month,
    facility: usize,
    service: &'static str,
    level: CareLevel,
}

/// The months of service that count, from a person's monthly claims.
pub(super) fn used(records: &[Record]) -> Vec<Used> {
    let mut all = Vec::new();
    for record in records {
        let Record::LongTerm(claim) = record else { continue };
        let service = claim.lines.iter().filter_map(|line| line.code.get(..2)).find(|kind| SERVICES.contains(kind));
        if let Some(service) = service {
            all.push(Used { month: claim.month, facility: claim.facility, service, level: claim.level });
        }
    }
    all
}

/// The user's row once a fiscal year, and the assessments.
pub(super) fn records(scene: &Scene<'_>, used: &[Used], records: &mut Vec<Record>) {
    if scene.fixed(801) >= REPORTED {
        return;
    }
    let dice = &mut scene.dice(801);
    let mut introduced: Option<i16> = None;
    let mut last: Option<jiff::civil::Date> = None;
    for (at, one) in used.iter().enumerate() {
        let due = last.is_none_or(|last| one.month.0 - Month::of(last).0 >= EVERY);
        if !due {
            continue;
        }
        let year = fiscal_year(one.month);
        let on = one.month.day(dice.between(2, 26)).min(scene.person.last_day_in(one.month));
        let stated = scene.stated(dice, one.month, one.facility);
        if introduced != Some(year) {
            introduced = Some(year);
            records.push(user(scene, dice, one, &stated));
        }
        records.push(promotion(scene, dice, one, &stated, (on, last)));
        if matches!(one.service, "15" | "51") {
            records.push(adl(scene, dice, one, &stated, (on, at == 0)));
        }
        last = Some(on);
    }
}

/// The year in which a month's fiscal year begins.
fn fiscal_year(month: Month) -> i16 {
    if month < FIRST.plus(12) { FIRST.first().year() } else { FIRST.first().year() + 1 }
}

type Values = Vec<(&'static str, String)>;

/// Columns that every form begins with. `serial` tells apart the rows of one form and user.
fn keys(scene: &Scene<'_>, one: &Used, stated: &Stated, serial: u64) -> Values {
    let facility = scene.facilities.at(one.facility).map(|facility| facility.code.clone()).unwrap_or_default();
    let external = random::mix(scene.person.number ^ random::mix(serial));
    vec![
        ("care_facility_id", facility),
        ("service_code", one.service.to_owned()),
        ("external_system_management_number", format!("{external:016x}")),
        ("insurer_no", stated.care_insurer.clone()),
        ("insured_no", stated.care_number.clone()),
    ]
}

fn report(scene: &Scene<'_>, one: &Used, stated: &Stated, form: LifeForm, values: Values) -> LifeReport {
    LifeReport {
        person: scene.person.number,
        facility: one.facility,
        stated: stated.clone(),
        form,
        fiscal_year: fiscal_year(one.month),
        assessed_on: None,
        died_on: None,
        values,
    }
}

fn user(scene: &Scene<'_>, dice: &mut Dice, one: &Used, stated: &Stated) -> Record {
    let mut values = keys(scene, one, stated, u64::from(one.month.0.unsigned_abs()));
    let (family, given) = stated.kanji.split_once('　').unwrap_or((stated.kanji.as_str(), ""));
    let died_on = scene.person.death.filter(|death| fiscal_year(Month::of(*death)) == fiscal_year(one.month));
    let mut set = |id, value: String| values.push((id, value));
    set("last_name", family.to_owned());
    set("first_name", given.to_owned());
    set("last_name_kana", crate::digits::half_kana(&stated.family_kana));
    set("first_name_kana", crate::digits::half_kana(&stated.given_kana));
    set("gender", stated.sex.to_string());
    set("birthday", compact(stated.birth));
    set("care_level", one.level.code().to_owned());
    set("impaired_elderly_independence_degree", (one.level.0 + 1 + dice.below(2)).to_string());
    set("dementia_elderly_independence_degree", (1 + dementia(scene, dice, one)).to_string());
    set("start_date", compact(one.month.first()));
    if let Some(death) = died_on {
        set("death_date", compact(death));
    }
    if scene.person.canary || dice.chance(0.1) {
        set("remarks", format!("{}様,ご家族の電話 {}", stated.kanji, stated.phone));
    }
    Record::Life(Box::new(LifeReport { died_on, ..report(scene, one, stated, LifeForm::User, values) }))
}

/// 0 (自立) to 7 (M).
fn dementia(scene: &Scene<'_>, dice: &mut Dice, one: &Used) -> usize {
    if scene.person.course.has(Cond::Dementia, one.month.first()) { 2 + dice.below(5) } else { dice.below(2) }
}

/// Ten items of the Barthel index with the most that each can be.
const BARTHEL: [(&str, u8); 10] = [
    ("barthel_index_meal", 2),
    ("barthel_transfer", 3),
    ("barthel_index_personal_hygiene_and_adjustment", 2),
    ("barthel_index_toilet_activity", 2),
    ("barthel_index_bathing", 2),
    ("barthel_index_flat_ground_walking", 3),
    ("barthel_index_stair_movement", 2),
    ("barthel_index_changing_clothes", 2),
    ("barthel_index_defecation_manage", 2),
    ("barthel_index_urination_manage", 2),
];

/// The less the more care is needed.
fn barthel(dice: &mut Dice, level: CareLevel, values: &mut Values) {
    let able = 0.92 - 0.12 * f64::from(u8::try_from(level.0).unwrap_or(6));
    for (id, most) in BARTHEL {
        let value: u8 = (0..most).map(|_| u8::from(dice.chance(able))).sum();
        values.push((id, value.to_string()));
    }
}

fn promotion(
    scene: &Scene<'_>,
    dice: &mut Dice,
    one: &Used,
    stated: &Stated,
    (on, last): (jiff::civil::Date, Option<jiff::civil::Date>),
) -> Record {
    let mut values = keys(scene, one, stated, 100_000 + u64::from(one.month.0.unsigned_abs()));
    let day = compact(on);
    let home = one.service == "15";
    values.push(("facility_outpatient_category", if home { "2" } else { "1" }.to_owned()));
    for id in ["evaluate_date", "adl_evaluate", "nutrition_evalaute_date", "aspiration_pneumonitis_evaluate"] {
        values.push((id, day.clone()));
    }
    values.extend(last.map(|last| ("last_evaluate_date", compact(last))));
    values.push(("record_staff_job_category", "040".to_owned()));
    values.push(("filing_staff", crate::names::doctor(one.facility).replace('　', "")));
    values.push(("impaired_elderly_independence_degree", (one.level.0 + 1 + dice.below(2)).to_string()));
    values.push(("dementia_elderly_independence_degree", (1 + dementia(scene, dice, one)).to_string()));
    if home {
        values.push(("family_01", "1".to_owned()));
        values.push(("family_nursing_time", (1 + dice.below(4)).to_string()));
        // One blank: what was there before is deleted.
        values.push(("family_other", if dice.chance(0.1) { " " } else { "0" }.to_owned()));
    }
    barthel(dice, one.level, &mut values);
    values.push(("remote_working", "1".to_owned()));
    nutrition(scene, dice, &mut values);
    mouth(dice, home, one.level, &mut values);
    mind(scene, dice, on, &mut values);
    let report = report(scene, one, stated, LifeForm::Promotion, values);
    Record::Life(Box::new(LifeReport { assessed_on: Some(on), ..report }))
}

fn nutrition(scene: &Scene<'_>, dice: &mut Dice, values: &mut Values) {
    let height = scene.person.height_cm;
    let weight = (scene.person.bmi - 1.0 + 0.5 * dice.normal()) * (height / 100.0).powi(2);
    values.push(("height", format!("{height:.1}")));
    values.push(("weight", format!("{weight:.1}")));
    values.push(("low_operating_risk_level", (1 + dice.weighted([60.0, 30.0, 10.0])).to_string()));
    values.push(("food_form_ingestion", "2".to_owned()));
    values.push((
        "meal_form",
        ["50", "40", "30", "01"].get(dice.weighted([70.0, 20.0, 9.0, 1.0])).unwrap_or(&"50").to_string(),
    ));
    values.push(("dietary_intake", (50 + 10 * dice.between(0, 5)).to_string()));
    values.push(("required_nutrients_energy", format!("{:.1}", weight * 28.0)));
    let measured = dice.chance(0.4);
    values.push(("is_serum_albumin_value", u8::from(measured).to_string()));
    if measured {
        let albumin = (3.7 + 0.4 * dice.normal()).clamp(1.5, 5.2);
        values.push(("serum_albumin_value", format!("{albumin:.1}")));
    }
    values.push(("bedsore", u8::from(dice.chance(0.04)).to_string()));
}

fn mouth(dice: &mut Dice, home: bool, level: CareLevel, values: &mut Values) {
    let ids = if home {
        ["visit_services_01", "visit_services_02", "visit_services_03"]
    } else {
        ["nursing_facility_services_01", "nursing_facility_services_02", "nursing_facility_services_03"]
    };
    for id in ids {
        values.push((id, u8::from(dice.chance(0.25)).to_string()));
    }
    let pneumonia = dice.chance(if level.0 >= 5 { 0.08 } else { 0.02 });
    values.push(("aspiration_pneumonitis_flag", u8::from(pneumonia).to_string()));
}

/// Dementia, DBD13 (5 of its 13 items are asked of everybody) and the vitality index.
fn mind(scene: &Scene<'_>, dice: &mut Dice, on: jiff::civil::Date, values: &mut Values) {
    let onset = scene.person.course.onset(Cond::Dementia).filter(|onset| *onset <= on);
    values.push(("diagnosis_of_dementia_flag", u8::from(onset.is_some()).to_string()));
    if let Some(onset) = onset {
        // A day that nobody knows is the 15th.
        values.push(("diagnosis_of_dementia_date", compact(Month::of(onset).day(15))));
        let kind = dice.weighted([65.0, 15.0, 12.0, 8.0]);
        let kinds = ["diagnosis_of_dementia_01", "diagnosis_of_dementia_02", "diagnosis_of_dementia_03"];
        for (at, id) in kinds.into_iter().chain(["diagnosis_of_dementia_other"]).enumerate() {
            values.push((id, u8::from(at == kind).to_string()));
        }
        if kind == 3 {
            values.push(("diagnosis_of_dementia_other_name", "前頭側頭型".to_owned()));
        }
    }
    let most = if onset.is_some() { 5 } else { 2 };
    for id in ["dbd13_03", "dbd13_04", "dbd13_05", "dbd13_07", "dbd13_08"] {
        values.push((id, dice.below(most).to_string()));
    }
    values.push(("vitality_index_02", (2 - dice.below(most.min(3))).to_string()));
}

fn adl(
    scene: &Scene<'_>,
    dice: &mut Dice,
    one: &Used,
    stated: &Stated,
    (on, first): (jiff::civil::Date, bool),
) -> Record {
    let mut values = keys(scene, one, stated, 900_000 + u64::from(one.month.0.unsigned_abs()));
    values.push(("record_staff_job_category", "080".to_owned()));
    values.push(("adl_evaluate", compact(on)));
    barthel(dice, one.level, &mut values);
    values.push(("first_month", u8::from(first).to_string()));
    values.push(("seven_month", u8::from(!first).to_string()));
    let report = report(scene, one, stated, LifeForm::Adl, values);
    Record::Life(Box::new(LifeReport { assessed_on: Some(on), ..report }))
}
