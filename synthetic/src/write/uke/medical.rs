//! The text of a medical receipt.

use std::fmt::Write as _;

use super::Receipt;
use crate::calendar::{self, Month};
use crate::facilities::Facility;
use crate::population::Scheme;
use crate::records::{Claim, Diagnosis, Drug, Item, Material, Procedure};
use crate::write::Identity;

/// The branch number stands in claims from 2021-09 on (formats.md, 0).
pub(super) const BRANCH_FROM: Month = Month(2021 * 12 + 8);

/// The receipt behind `RE,<number>`.
pub(super) fn receipt(claim: &Claim, facility: &Facility) -> Receipt {
    let mut text = String::with_capacity(1024);
    common(&mut text, claim, facility);
    payers(&mut text, claim);
    visits(&mut text, claim);
    for diagnosis in &claim.diagnoses {
        disease(&mut text, diagnosis);
    }
    for item in &claim.items {
        write_item(&mut text, claim, item);
    }
    if let Some(note) = &claim.note {
        add(&mut text, format_args!("SJ,01,{note}\r\n"));
    }
    Receipt { text, points: claim.points, identity: identity(claim, facility) }
}

pub(super) fn add(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _done = text.write_fmt(line);
}

pub(super) fn identity(claim: &Claim, facility: &Facility) -> Identity {
    let identity = Identity::bare("ndb", claim.person, &claim.stated)
        .named(&claim.stated, "")
        .insured(&claim.stated)
        .charted(&claim.stated, &facility.code);
    Identity { branch: identity.branch.filter(|_| claim.month >= BRANCH_FROM), ..identity }
}

fn common(text: &mut String, claim: &Claim, facility: &Facility) {
    let stated = &claim.stated;
    let admitted = claim.admitted_on.map(calendar::compact).unwrap_or_default();
    let beds = if facility.beds > 0 { facility.beds.to_string() } else { String::new() };
    add(
        text,
        format_args!(
            ",{},{},{},{},{},,{admitted},,,,{beds},{},,,,,{:017},,,{}{},{},\r\n",
            receipt_type(claim, '1'),
            claim.month.text(),
            stated.kanji,
            stated.sex,
            calendar::compact(stated.birth),
            stated.chart,
            claim.search_number(),
            claim.department.unwrap_or_default(),
            ",".repeat(14),
            stated.kana(""),
        ),
    );
}

/// 別表5: fee table, scheme, number of payers, who and where.
pub(super) fn receipt_type(claim: &Claim, fee: char) -> String {
    let scheme = match claim.cover.scheme {
        Scheme::Assistance => 2,
        Scheme::LateElderly => 3,
        Scheme::Kyokai | Scheme::Mutual | Scheme::National | Scheme::Union => 1,
    };
    let beside = scheme != 2 && claim.public.is_some();
    let who = match claim.age {
        _ if scheme == 2 => 2,
        70.. => 8,
        ..6 => 4,
        _ if claim.cover.dependent => 6,
        _ => 2,
    };
    let who = if claim.inpatient { who - 1 } else { who };
    format!("{fee}{scheme}{}{who}", if beside { 2 } else { 1 })
}

/// HO, KO and SN.
pub(super) fn payers(text: &mut String, claim: &Claim) {
    let stated = &claim.stated;
    let days = claim.visits.len();
    // A DPC receipt has one field more in both: 標準負担額.
    let more = if matches!(claim.form, crate::records::Form::Dpc(_)) { "," } else { "" };
    if claim.cover.scheme != Scheme::Assistance {
        let copay = claim.copay.map(|yen| yen.to_string()).unwrap_or_default();
        add(
            text,
            format_args!(
                "HO,{},{},{},{days},{},,,,,,{copay},,,{more}\r\n",
                padded(&stated.insurer),
                stated.symbol,
                stated.number,
                claim.points
            ),
        );
    }
    if let Some(public) = &claim.public {
        add(
            text,
            format_args!("KO,{},{},,{days},{},,,,,,{more}\r\n", padded(&public.payer), public.recipient, claim.points),
        );
    }
    checked(text, claim);
}

/// SN: the check of the insurance.
pub(super) fn checked(text: &mut String, claim: &Claim) {
    if claim.cover.scheme != Scheme::Assistance && claim.month >= BRANCH_FROM {
        let branch = claim.stated.branch.as_deref().unwrap_or_default();
        add(text, format_args!("SN,1,01,,,,{branch},,\r\n"));
    }
}

/// Eight characters: leading zeros of a shorter number as spaces (formats.md, 0).
pub(super) fn padded(insurer: &str) -> String {
    let short = if insurer.starts_with("00") { insurer.get(2..).unwrap_or_default() } else { insurer };
    format!("{short:>8}")
}

pub(super) fn visits(text: &mut String, claim: &Claim) {
    let payer = if claim.cover.scheme == Scheme::Assistance { 2 } else { 1 };
    add(text, format_args!("JD,{payer}"));
    for day in 1..=31 {
        text.push(',');
        if claim.visits.contains(&day) {
            text.push('1');
        }
    }
    text.push_str("\r\n");
}

fn disease(text: &mut String, diagnosis: &Diagnosis) {
    add(
        text,
        format_args!(
            "SY,{},{},{},{},{},{},\r\n",
            diagnosis.code,
            calendar::compact(diagnosis.start),
            diagnosis.outcome,
            diagnosis.modifiers,
            diagnosis.text.as_deref().unwrap_or_default(),
            if diagnosis.main { "01" } else { "" }
        ),
    );
}

/// 別表21: which payers bear it.
pub(super) fn burden(claim: &Claim) -> char {
    match (claim.cover.scheme, claim.public.is_some()) {
        (Scheme::Assistance, _) => '5',
        (_, true) => '2',
        (_, false) => '1',
    }
}

pub(super) fn write_item(text: &mut String, claim: &Claim, item: &Item) {
    let burden = burden(claim);
    match item {
        Item::Comment(one) => add(text, format_args!("CO,{},{burden},{},{}\r\n", one.section, one.code, one.text)),
        Item::Drug(one) => drug(text, burden, one),
        Item::Material(one) => material(text, burden, one),
        Item::Procedure(one) => procedure(text, burden, one),
    }
}

fn procedure(text: &mut String, burden: char, one: &Procedure) {
    let section = if one.continues { "" } else { one.section };
    let points = one.points.map(|points| points.to_string()).unwrap_or_default();
    add(text, format_args!("SI,{section},{burden},{},,{points},{},,,,,,", one.code, one.times));
    days(text, |day| i32::from(one.days.contains(&day)));
}

fn drug(text: &mut String, burden: char, one: &Drug) {
    let section = if one.continues { "" } else { one.section };
    let points = one.points.map(|points| points.to_string()).unwrap_or_default();
    add(text, format_args!("IY,{section},{burden},{},{},{points},{},,,,,,", one.code, one.dose, one.times));
    days(text, |day| if day == one.day { one.times } else { 0 });
}

fn material(text: &mut String, burden: char, one: &Material) {
    let (code, quantity, points) = (one.code, one.quantity, one.points);
    add(text, format_args!("TO,{},{burden},{code},{quantity},{points},1,,{},,,,,,,,", one.section, points * 10));
    days(text, |day| i32::from(day == one.day));
}

/// A comma and 31 day columns; blank for nothing.
pub(super) fn days(text: &mut String, count: impl Fn(i32) -> i32) {
    for day in 1..=31 {
        text.push(',');
        let times = count(day);
        if times > 0 {
            add(text, format_args!("{times}"));
        }
    }
    text.push_str("\r\n");
}
