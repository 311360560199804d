//! Documents of the health record: discharge summaries of DPC hospitals, referrals of hospitals' and clinics' patients, and
//! reports of checkups.

use jiff::civil::Date;

use super::inpatient::Admission;
use super::labs::Labs;
use super::{Scene, treatment};
use crate::calendar::{END, FIRST, START, plus_days};
use crate::facilities::Kind;
use crate::random::Dice;
use crate::records::{Allergy, Checkup, Condition, Document, DocumentKind, Measure, Medication, Observation, Record};

/// Documents of a person.
pub(crate) fn records(scene: &Scene<'_>, dice: &mut Dice, stays: &[Admission], records: &mut Vec<Record>) {
    reports(scene, records);
    for stay in stays {
        if stay.to <= plus_days(END, -8) && dice.chance(0.45) {
            let on = off_first(plus_days(stay.to, dice.between(0, 5)));
            let died = stay.died.then_some(stay.to);
            let document = document(scene, dice, stay.hospital, DocumentKind::DischargeSummary, on, died);
            records.extend(document.map(|one| Record::Document(Box::new(one))));
        }
    }
    // A quarter of those with a chronic illness are in the service; a referral goes out every other year.
    let chronic = scene.person.course.on(END).count();
    if chronic == 0 || scene.fixed(601) >= 25 {
        return;
    }
    let home = scene.household.home_in(FIRST);
    let kind = if scene.fixed(602) < 40 { Kind::Hospital } else { Kind::Clinic };
    let facility = scene.facilities.near(dice, home, kind);
    for _ in 0..dice.poisson(0.9).max(1) {
        let on = off_first(plus_days(START, dice.between(20, 715)));
        let document = document(scene, dice, facility, DocumentKind::Referral, on, None);
        records.extend(document.map(|one| Record::Document(Box::new(one))));
    }
}

/// Of one hundred who are examined, so many have a report in the service.
const REPORTED: u32 = 20;

/// Reports of the checkups among a person's records: the same numbers, some days later.
fn reports(scene: &Scene<'_>, records: &mut Vec<Record>) {
    if scene.fixed(680) >= REPORTED {
        return;
    }
    let dice = &mut scene.dice(680);
    let mut made = Vec::new();
    for record in records.iter() {
        let Record::Checkup(one) = record else { continue };
        let on = off_first(plus_days(one.checked_on, dice.between(3, 20)));
        if on > END || scene.person.death.is_some_and(|death| death <= on) {
            continue;
        }
        made.push(Record::Document(Box::new(report(scene, dice, one, on))));
    }
    records.extend(made);
}

fn report(scene: &Scene<'_>, dice: &mut Dice, one: &Checkup, on: Date) -> Document {
    let month = crate::calendar::Month::of(on);
    let stated = scene.stated(dice, month, one.facility);
    let observation = |measure: &Measure| Observation {
        infection: false,
        jlac: measure.code,
        observed_on: one.checked_on,
        value: Ok(measure.value.clone()),
        unit: measure.unit,
        reference: None,
        interpretation: "N",
    };
    Document {
        person: one.person,
        facility: one.facility,
        municipality: crate::places::at(scene.household.home_in(month)).code,
        kind: DocumentKind::Checkup,
        issued_on: on,
        died_on: None,
        conditions: Vec::new(),
        observations: one.measures.iter().map(observation).collect(),
        allergies: Vec::new(),
        medications: Vec::new(),
        narrative: format!("{}様の健診結果です。", stated.kanji),
        stated,
    }
}

/// Never the first of a month, so that no claim states a place on the same day.
fn off_first(on: Date) -> Date {
    if on.day() == 1 { plus_days(on, 1) } else { on }
}

fn document(
    scene: &Scene<'_>,
    dice: &mut Dice,
    facility: usize,
    kind: DocumentKind,
    on: Date,
    died_on: Option<Date>,
) -> Option<Document> {
    let person = scene.person;
    let alive = person.death.is_none_or(|death| on <= death || died_on.is_some());
    let month = crate::calendar::Month::of(on);
    if !alive || on <= person.birth {
        return None;
    }
    let stated = scene.stated(dice, month, facility);
    let conditions: Vec<Condition> = person
        .course
        .on(on)
        .take(8)
        .filter_map(|(cond, onset)| {
            let diseases = treatment::of(cond).diseases;
            let code = scene.keeps(cond as u64, diseases)?;
            let tumour = code.starts_with('1');
            let undisclosed = tumour && scene.fixed(620) < 6;
            Some(Condition { code, suspected: scene.fixed(630 + cond as u64) < 4, undisclosed, onset_on: onset })
        })
        .collect();
    Some(Document {
        person: person.number,
        facility,
        municipality: crate::places::at(scene.household.home_in(month)).code,
        kind,
        issued_on: on,
        died_on,
        observations: observations(scene, dice, off_first(plus_days(on, -dice_days(scene)))),
        allergies: allergies(scene),
        medications: if died_on.is_some() { Vec::new() } else { medications(scene, on) },
        narrative: format!("{}様は当院通院中の方です。ご家族の連絡先は{}。", stated.kanji, stated.phone),
        conditions,
        stated,
    })
}

fn dice_days(scene: &Scene<'_>) -> i32 {
    i32::try_from(scene.fixed(640) % 7).unwrap_or(0)
}

fn observations(scene: &Scene<'_>, dice: &mut Dice, on: Date) -> Vec<Observation> {
    let labs = Labs::new(scene, on);
    let egfr = labs.egfr(dice);
    let numbers = [
        ("3D046000001906202", labs.hba1c(dice), 1, "%", Some(("4.9", "6.0"))),
        ("8A065000002391901", egfr, 1, "mL/min/1.73m2", Some(("60.0", "140.0"))),
        ("3C015000002327101", labs.creatinine(egfr), 2, "mg/dL", Some(("0.46", "1.07"))),
        ("3F077000002327101", labs.ldl(dice), 0, "mg/dL", Some(("65", "163"))),
        ("2A030000001930101", labs.hemoglobin(dice), 1, "g/dL", Some(("11.6", "16.8"))),
        ("4Z271000002305101", labs.bnp(dice), 1, "pg/mL", None),
    ];
    let mut all: Vec<Observation> = Vec::new();
    for (place, (jlac, value, decimals, unit, reference)) in numbers.into_iter().enumerate() {
        // Every panel has the first two; the rest come as they come.
        if place < 2 || dice.chance(0.5) {
            let text = format!("{value:.decimals$}");
            let bound = |pick: fn((&'static str, &'static str)) -> &'static str| {
                reference.and_then(|range| pick(range).parse::<f64>().ok())
            };
            let written: f64 = text.parse().unwrap_or(value);
            let interpretation = match (bound(|range| range.0), bound(|range| range.1)) {
                (Some(low), _) if written < low => "L",
                (_, Some(high)) if written > high => "H",
                _ => "N",
            };
            all.push(Observation {
                infection: false,
                jlac,
                observed_on: on,
                value: Ok(text),
                unit,
                reference,
                interpretation,
            });
        }
    }
    if scene.fixed(650) < 30 {
        for (jlac, share) in [("5F016000002302711", 1), ("5F360000002302711", 2)] {
            let positive = scene.fixed(660 + u64::from(share)) < share;
            let interpretation = if positive { "POS" } else { "NEG" };
            let value = Err(positive);
            all.push(Observation {
                infection: true,
                jlac,
                observed_on: on,
                value,
                unit: "",
                reference: None,
                interpretation,
            });
        }
    }
    all
}

fn allergies(scene: &Scene<'_>) -> Vec<Allergy> {
    match scene.fixed(670) {
        0..4 => vec![Allergy { code: "6131001M2100", drug: true }],
        4..7 => vec![Allergy { code: "1149019F1560", drug: true }],
        7..12 => vec![Allergy { code: "J9FC11310000", drug: false }],
        _ => Vec::new(),
    }
}

fn medications(scene: &Scene<'_>, on: Date) -> Vec<Medication> {
    let mut all: Vec<Medication> = Vec::new();
    for (cond, _) in scene.person.course.on(on) {
        for (group, (percent, choices)) in treatment::of(cond).drugs.iter().enumerate() {
            let spot = cond as u64 * 16 + group as u64;
            let choice = scene.keeps(spot + 10_000, choices);
            let new = |drug: &str| all.len() < 8 && !all.iter().any(|known| known.drug == drug);
            let taken = choice.filter(|dose| scene.fixed(spot + 5_000) < *percent && new(dose.0));
            if let Some((drug, dose, _)) = taken {
                all.push(Medication { drug, dose: *dose, days: 28, prescribed_on: on });
            }
        }
    }
    all
}
