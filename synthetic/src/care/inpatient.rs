//! Admissions: why, where, how long, and the monthly claims of them.

use jiff::civil::Date;

use super::Scene;
use crate::calendar::{self, END, Month, START, plus_days};
use crate::course::Cond;
use crate::facilities::Kind;
use crate::random::{Dice, whole};
use crate::records::{Bundle, Covered, Draft, Form, Record};

/// Why somebody is admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    BreastCancer,
    Cataract,
    Cholecystitis,
    Cirrhosis,
    ColonCancer,
    Copd,
    Diabetes,
    HeartFailure,
    HipFracture,
    Infarction,
    KidneyFailure,
    LungCancer,
    LungCancerDrugs,
    Mind,
    Pneumonia,
    Polyp,
    StomachCancer,
    Stroke,
    Ulcer,
}

/// What a reason brings with it.
pub(crate) struct Ward {
    pub(crate) disease: &'static str,
    pub(crate) dpc: &'static str,
    /// Median length of stay, days.
    pub(crate) los: f64,
    /// Operation: claim code, K code, points.
    pub(crate) operation: Option<(&'static str, &'static str, i32)>,
    pub(crate) material: Option<(&'static str, i32)>,
    pub(crate) drug: Option<(&'static str, f64, i32)>,
    pub(crate) department: &'static str,
    pub(crate) emergency: f64,
}

/// What a reason brings with it.
#[expect(clippy::too_many_lines, reason = "a table: one entry a reason")]
pub(crate) fn ward(reason: Reason) -> Ward {
    let of = |disease, dpc, los, department, emergency| Ward {
        disease,
        dpc,
        los,
        operation: None,
        material: None,
        drug: None,
        department,
        emergency,
    };
    let cut = |code, k, points| Some((code, k, points));
    match reason {
        Reason::HipFracture => Ward {
            operation: cut("150020110", "K0811", 19_500),
            material: Some(("710010001", 18_000)),
            ..of("8208001", "160800xx01xxxx", 26.0, "12", 0.95)
        },
        Reason::Stroke => of("4340002", "010060x2990401", 22.0, "14", 0.95),
        Reason::Infarction => Ward {
            operation: cut("150153410", "K5493", 21_680),
            material: Some(("710010023", 19_000)),
            ..of("4100007", "050030xx97000x", 12.0, "08", 0.97)
        },
        Reason::HeartFailure => {
            Ward { drug: Some(("620009102", 2.0, 36)), ..of("4280008", "050130xx9900xx", 16.0, "08", 0.8) }
        }
        Reason::Pneumonia => {
            Ward { drug: Some(("620007467", 2.0, 160)), ..of("4860008", "040080x099x0xx", 13.0, "03", 0.85) }
        }
        Reason::Copd => of("8834616", "040120xx99000x", 12.0, "03", 0.7),
        Reason::Diabetes => of("2500015", "10007xxxxxx1xx", 11.0, "01", 0.1),
        Reason::KidneyFailure => of("5859014", "110280xx9900xx", 11.0, "01", 0.4),
        Reason::Ulcer => {
            Ward { operation: cut("150253010", "K654", 4_600), ..of("5314003", "060140xx97x00x", 8.0, "09", 0.9) }
        }
        Reason::LungCancer => {
            Ward { operation: cut("150140010", "K5143", 72_640), ..of("1629009", "040040xx97x00x", 11.0, "16", 0.03) }
        }
        Reason::LungCancerDrugs => {
            Ward { drug: Some(("622441101", 2.0, 21_500)), ..of("1629009", "040040xx9904xx", 6.0, "03", 0.05) }
        }
        Reason::StomachCancer => {
            Ward { operation: cut("150168910", "K6552", 55_870), ..of("1519009", "060020xx02xxxx", 13.0, "11", 0.05) }
        }
        Reason::ColonCancer => {
            Ward { operation: cut("150183310", "K7193", 59_510), ..of("1539006", "060035xx010x0x", 13.0, "11", 0.1) }
        }
        Reason::BreastCancer => {
            Ward { operation: cut("150121110", "K4763", 42_350), ..of("1749001", "090010xx010xxx", 8.0, "11", 0.01) }
        }
        Reason::Cataract => Ward {
            operation: cut("150086810", "K2821", 12_100),
            material: Some(("710010034", 2_300)),
            ..of("3669003", "020110xx97xxx0", 2.5, "26", 0.0)
        },
        Reason::Polyp => {
            Ward { operation: cut("150285010", "K7211", 5_000), ..of("2113001", "060100xx01xxxx", 2.0, "09", 0.01) }
        }
        Reason::Cholecystitis => {
            Ward { operation: cut("150271050", "K6722", 21_500), ..of("5740004", "060335xx02000x", 6.0, "11", 0.3) }
        }
        Reason::Cirrhosis => of("5712002", "060300xx97100x", 14.0, "09", 0.6),
        Reason::Mind => of("2950001", "", 75.0, "02", 0.3),
    }
}

/// A stay in hospital within the window.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    pub(crate) reason: Reason,
    pub(crate) from: Date,
    pub(crate) to: Date,
    pub(crate) hospital: usize,
    pub(crate) died: bool,
    pub(crate) emergency: bool,
    /// Paid by DPC: an acute stay in a DPC hospital.
    pub(crate) dpc: bool,
}

impl Admission {
    /// Days, both ends counted.
    pub(crate) fn days(&self) -> i32 {
        calendar::days_between(self.from, self.to) + 1
    }

    /// 退院時転帰: 2 軽快, 4 不変, 6 died of the main disease, 7 of another.
    pub(crate) fn outcome(&self) -> u8 {
        match (self.died, self.days() % 5) {
            (true, 0) => 7,
            (true, _) => 6,
            (false, 0) => 4,
            (false, _) => 2,
        }
    }
}

/// All stays of a person, in order, none touching another.
pub(crate) fn admissions(scene: &Scene<'_>, dice: &mut Dice) -> Vec<Admission> {
    let mut wanted: Vec<(Date, Reason)> = Vec::new();
    events(scene, dice, &mut wanted);
    spells(scene, dice, &mut wanted);
    wanted.sort_by_key(|(from, _)| *from);
    let person = scene.person;
    let mut stays: Vec<Admission> = Vec::new();
    for (from, reason) in wanted {
        let alive = from >= START.max(plus_days(person.birth, 1)) && person.death.is_none_or(|death| from < death);
        let apart = stays.last().is_none_or(|last| from > plus_days(last.to, 2));
        if !alive || !apart || from > plus_days(END, -3) {
            continue;
        }
        let los = whole(dice.log_normal(ward(reason).los, 0.45).clamp(2.0, 300.0));
        stays.push(place(scene, dice, reason, from, plus_days(from, los - 1)));
    }
    last_stay(scene, dice, &mut stays);
    stays
}

/// Finds a hospital and cuts the stay at death, at the window's end and at a move.
fn place(scene: &Scene<'_>, dice: &mut Dice, reason: Reason, from: Date, to: Date) -> Admission {
    let home = scene.household.home_in(Month::of(from));
    let hospital = if reason == Reason::Mind {
        scene.facilities.near(dice, home, Kind::Hospital)
    } else {
        scene.facilities.acute_hospital(dice, home)
    };
    let mut to = to.min(END);
    if scene.household.home_in(Month::of(to)) != home {
        to = Month::of(from).last();
    }
    let died = scene.person.death.is_some_and(|death| death <= to);
    let emergency = dice.chance(ward(reason).emergency);
    let dpc = reason != Reason::Mind && scene.facilities.at(hospital).is_some_and(|facility| facility.dpc);
    Admission { reason, from, to: scene.person.death.map_or(to, |death| death.min(to)), hospital, died, emergency, dpc }
}

/// Two deaths in three happen in hospital.
fn last_stay(scene: &Scene<'_>, dice: &mut Dice, stays: &mut Vec<Admission>) {
    let Some(death) = scene.person.death else { return };
    if stays.iter().any(|stay| stay.died) || !dice.chance(0.65) {
        return;
    }
    let from = plus_days(death, -whole(dice.log_normal(12.0, 0.7).clamp(0.0, 120.0)));
    let from = from.max(START).max(scene.person.birth);
    let from = stays.last().map_or(from, |last| from.max(plus_days(last.to, 3)));
    if from > death {
        return;
    }
    let has = |cond| scene.person.course.has(cond, death);
    let reason = match () {
        () if has(Cond::LungCancer) => Reason::LungCancerDrugs,
        () if has(Cond::HeartFailure) => Reason::HeartFailure,
        () if has(Cond::Kidney) && dice.chance(0.3) => Reason::KidneyFailure,
        () => Reason::Pneumonia,
    };
    stays.push(place(scene, dice, reason, from, death));
}

/// Onsets that bring people to hospital.
fn events(scene: &Scene<'_>, dice: &mut Dice, wanted: &mut Vec<(Date, Reason)>) {
    let list = [
        (Cond::HipFracture, 1.0, 0, Reason::HipFracture),
        (Cond::Stroke, 0.9, 0, Reason::Stroke),
        (Cond::Infarction, 0.95, 0, Reason::Infarction),
        (Cond::LungCancer, 0.5, 40, Reason::LungCancer),
        (Cond::StomachCancer, 0.7, 40, Reason::StomachCancer),
        (Cond::ColonCancer, 0.8, 40, Reason::ColonCancer),
        (Cond::BreastCancer, 0.9, 45, Reason::BreastCancer),
        (Cond::GastricUlcer, 0.3, 0, Reason::Ulcer),
        (Cond::Cataract, 0.45, 120, Reason::Cataract),
    ];
    for (cond, share, delay, reason) in list {
        if let Some(onset) = scene.person.course.onset(cond).filter(|_| dice.chance(share)) {
            wanted.push((plus_days(onset, delay), reason));
        }
    }
    let bones = scene.person.course.onset(Cond::LungCancer);
    if let Some(onset) = bones.filter(|_| dice.chance(0.6)) {
        wanted.extend((0..6).map(|round| (plus_days(onset, 60 + round * 42), Reason::LungCancerDrugs)));
    }
}

/// Spells that come at a yearly rate.
fn spells(scene: &Scene<'_>, dice: &mut Dice, wanted: &mut Vec<(Date, Reason)>) {
    let course = &scene.person.course;
    let age = f64::from(scene.person.age_on(Month(2022 * 12).first()));
    let given = |cond, rate: f64| if course.onset(cond).is_some() { rate } else { 0.0 };
    let weak: f64 = [Cond::Dementia, Cond::Stroke, Cond::Copd, Cond::Parkinson]
        .iter()
        .map(|cond| if course.onset(*cond).is_some() { 1.8 } else { 1.0 })
        .product();
    let lungs = if age < 5.0 { 0.012 } else { 0.003 + 0.010 * ((age - 65.0) * 0.07).exp().min(8.0) };
    let rates = [
        (Reason::Pneumonia, lungs * weak.min(4.0)),
        (Reason::HeartFailure, given(Cond::HeartFailure, 0.22)),
        (Reason::Copd, given(Cond::Copd, 0.15)),
        (Reason::Diabetes, given(Cond::Diabetes, 0.035)),
        (Reason::KidneyFailure, given(Cond::Kidney, 0.06)),
        (Reason::Cirrhosis, given(Cond::FattyLiver, 0.02)),
        (Reason::Mind, given(Cond::Schizophrenia, 0.10)),
        (Reason::Polyp, if age >= 45.0 { 0.015 } else { 0.0 }),
        (Reason::Cholecystitis, if age >= 30.0 { 0.004 } else { 0.0 }),
    ];
    for (reason, rate) in rates {
        for _ in 0..dice.poisson(rate * 2.0) {
            let mut from = plus_days(START, dice.between(0, 725));
            // Pneumonia is more frequent in winter: some of the summer's spells come later.
            if reason == Reason::Pneumonia && (4..=9).contains(&from.month()) && dice.chance(0.4) {
                from = plus_days(from, 150).min(plus_days(END, -4));
            }
            wanted.push((from, reason));
        }
    }
}

/// The monthly claims of a stay.
pub(crate) fn claims(scene: &Scene<'_>, dice: &mut Dice, stay: &Admission, records: &mut Vec<Record>) {
    let ward = ward(stay.reason);
    let mut month = Month::of(stay.from);
    while month <= Month::of(stay.to) {
        let from = month.first().max(stay.from);
        let to = month.last().min(stay.to);
        let days: Vec<i32> = (i32::from(from.day())..=i32::from(to.day())).collect();
        let stated = scene.stated(dice, month, stay.hospital);
        if let Some(mut draft) = Draft::new(scene.person, stated, month, stay.hospital) {
            draft.0.inpatient = true;
            draft.0.admitted_on = Some(stay.from);
            draft.0.department = Some(ward.department);
            if stay.dpc {
                bundle(scene, &mut draft, stay, &ward, &days);
            } else {
                monthly(scene, &mut draft, stay, &ward, &days);
            }
            note(scene, dice, &mut draft);
            records.push(draft.finish(days).into());
        }
        month = month.plus(1);
    }
}

fn monthly(scene: &Scene<'_>, draft: &mut Draft, stay: &Admission, ward: &Ward, days: &[i32]) {
    let month = draft.0.month;
    let last = month == Month::of(stay.to);
    draft.diagnose(ward.disease, stay.from).outcome = if last && stay.died { 3 } else { 1 };
    for (cond, onset) in scene.person.course.on(stay.from).take(3) {
        let code = super::treatment::of(cond).diseases.first().copied().unwrap_or("8833421");
        if code != ward.disease {
            draft.diagnose(code, onset);
        }
    }
    let first = days.first().copied().unwrap_or(1);
    if month == Month::of(stay.from) {
        operate(draft, ward, stay, first);
    }
    if let Some((code, dose, points)) = ward.drug {
        draft.drugs("33", &[(code, dose, points)], 1, first);
    }
    let week: Vec<i32> = days.iter().copied().step_by(4).collect();
    draft.procedure("60", "160008010", 21, &week);
    draft.procedure("60", "160054710", 16, &week);
    if matches!(stay.reason, Reason::HipFracture | Reason::Stroke) {
        let code = if stay.reason == Reason::Stroke { "180027510" } else { "180027410" };
        draft.procedure("80", code, 245, days.get(2..).unwrap_or_default());
    }
    let (bed, points) = if stay.reason == Reason::Mind { ("190055510", 1_108) } else { ("190117710", 1_688) };
    draft.procedure("90", bed, points, days);
}

/// A month of a DPC stay: what is paid by the day, and what is paid beside it (operations, materials, rehabilitation).
fn bundle(scene: &Scene<'_>, draft: &mut Draft, stay: &Admission, ward: &Ward, days: &[i32]) {
    let first = days.first().copied().unwrap_or(1);
    if draft.0.month == Month::of(stay.from) {
        operate(draft, ward, stay, first);
    }
    if matches!(stay.reason, Reason::HipFracture | Reason::Stroke) {
        let code = if stay.reason == Reason::Stroke { "180027510" } else { "180027410" };
        draft.procedure("80", code, 245, days.get(2..).unwrap_or_default());
    }
    let last = draft.0.month == Month::of(stay.to);
    let mut diseases = vec![(ward.disease, "11"), (ward.disease, "21"), (ward.disease, "22")];
    diseases.extend(comorbidities(scene, stay, ward).map(|code| (code, "31")));
    let points_a_day = points_a_day(stay);
    draft.0.points += points_a_day * i32::try_from(days.len()).unwrap_or(0);
    draft.0.form = Form::Dpc(Bundle {
        code: ward.dpc,
        admitted_on: stay.from,
        discharged_on: last.then_some(stay.to),
        outcome: last.then_some(stay.outcome()),
        diseases,
        emergency: stay.emergency,
        points_a_day,
        covered: covered(stay, ward, draft.0.month, days),
    });
}

/// What a day is paid.
pub(crate) fn points_a_day(stay: &Admission) -> i32 {
    2_170 + i32::from(stay.emergency) * 250
}

/// Blood tests every fourth day, the ward's drug in the first week.
fn covered(stay: &Admission, ward: &Ward, month: Month, days: &[i32]) -> Vec<Covered> {
    let mut covered = Vec::new();
    for on in days.iter().map(|day| month.day(*day)) {
        let since = calendar::days_between(stay.from, on);
        if since % 4 == 0 {
            covered.push(Covered { on, section: "60", code: "160008010", dose: None });
            covered.push(Covered { on, section: "60", code: "160054710", dose: None });
        }
        if let Some((code, dose, _)) = ward.drug.filter(|_| since < 7) {
            covered.push(Covered { on, section: "33", code, dose: Some(dose) });
        }
    }
    covered
}

/// Up to four chronic conditions beside the reason of a stay, as disease codes.
pub(crate) fn comorbidities<'a>(
    scene: &'a Scene<'_>,
    stay: &Admission,
    ward: &Ward,
) -> impl Iterator<Item = &'static str> + use<'a> {
    let main = ward.disease;
    let codes = scene.person.course.on(stay.from).filter_map(|(cond, _)| super::treatment::of(cond).diseases.first());
    codes.copied().filter(move |code| *code != main).take(4)
}

/// 症状詳記, which names people (formats.md, 1: never leaves the holder).
fn note(scene: &Scene<'_>, dice: &mut Dice, draft: &mut Draft) {
    if dice.chance(0.2) {
        let phone = crate::digits::full_width(&scene.household.phone);
        draft.0.note = Some(format!("{}氏の経過。家族連絡先{phone}。入院継続を要した。", draft.0.stated.kanji));
    }
}

fn operate(draft: &mut Draft, ward: &Ward, stay: &Admission, first: i32) {
    let Some((code, _, points)) = ward.operation else { return };
    let day = if stay.days() > 2 { first + 1 } else { first };
    let day = day.min(draft.0.month.days());
    draft.procedure("50", code, points, &[day]);
    if let Some((material, points)) = ward.material {
        draft.material("50", material, points, day);
    }
    if stay.days() > 4 {
        draft.procedure("54", "150233410", 6_000, &[day]);
    }
}
