//! The text of a dental receipt (formats.md, 3): RE, HO, KO, SN, HS, SS, SI, IY, TO, CO.

use super::Receipt;
use super::medical::{add, burden, checked, days, identity, padded, receipt_type};
use crate::calendar;
use crate::facilities::Facility;
use crate::population::Scheme;
use crate::records::{Claim, Diagnosis, Drug, Item, Material, Mouth, Procedure};

/// Pairs of code and quantity that a SS record has room for.
const ADDITIONS: usize = 35;

/// The receipt behind `RE,<number>`.
pub(super) fn receipt(claim: &Claim, mouth: &Mouth, facility: &Facility) -> Receipt {
    let mut text = String::with_capacity(1024);
    common(&mut text, claim, mouth);
    payers(&mut text, claim);
    for (diagnosis, teeth) in claim.diagnoses.iter().zip(&mouth.teeth) {
        disease(&mut text, diagnosis, teeth);
    }
    let burden = burden(claim);
    for item in &claim.items {
        match item {
            Item::Comment(one) => {
                add(&mut text, format_args!("CO,{},{burden},{},{}\r\n", one.section, one.code, one.text));
            }
            Item::Drug(one) => drug(&mut text, burden, one),
            Item::Material(one) => material(&mut text, burden, one),
            Item::Procedure(one) => procedure(&mut text, burden, one),
        }
    }
    Receipt { text, points: claim.points, identity: identity(claim, facility) }
}

/// RE: 27 fields.
fn common(text: &mut String, claim: &Claim, mouth: &Mouth) {
    let stated = &claim.stated;
    add(
        text,
        format_args!(
            ",{},{},{},{},{},,,{},,,,,,{},,,,{:017},,,,,,{},\r\n",
            receipt_type(claim, '3'),
            claim.month.text(),
            stated.kanji,
            stated.sex,
            calendar::compact(stated.birth),
            calendar::compact(mouth.started_on),
            stated.chart,
            claim.search_number(),
            stated.kana(""),
        ),
    );
}

/// HO (14 fields), KO (10) and SN.
fn payers(text: &mut String, claim: &Claim) {
    let stated = &claim.stated;
    let (days, points) = (claim.visits.len(), claim.points);
    if claim.cover.scheme != Scheme::Assistance {
        let insurer = padded(&stated.insurer);
        add(text, format_args!("HO,{insurer},{},{},{days},{points},,,,,,,,\r\n", stated.symbol, stated.number));
    }
    if let Some(public) = &claim.public {
        add(text, format_args!("KO,{},{},,{days},{points},,,,\r\n", padded(&public.payer), public.recipient));
    }
    checked(text, claim);
}

/// HS: 13 fields.
fn disease(text: &mut String, one: &Diagnosis, teeth: &str) {
    add(
        text,
        format_args!(
            "HS,{},{},{teeth},{},{},{},,,{},,,\r\n",
            calendar::compact(one.start),
            one.outcome,
            one.code,
            one.modifiers,
            one.text.as_deref().unwrap_or_default(),
            if one.main { "01" } else { "" }
        ),
    );
}

/// SS for the dental fee table (3…, 109 fields), SI for the medical one (38 fields).
fn procedure(text: &mut String, burden: char, one: &Procedure) {
    let section = if one.continues { "" } else { one.section };
    let points = one.points.map(|points| points.to_string()).unwrap_or_default();
    if one.code.starts_with('3') {
        // Root canals and fillings name their first addition; the other pairs stay empty.
        let named = matches!(one.code, "309002110" | "313000810");
        let addition = if named { "GA001,1" } else { "," };
        let empty = ",".repeat(2 * ADDITIONS - 2);
        add(text, format_args!("SS,{section},{burden},{},,,{addition}{empty},{points},{}", one.code, one.times));
    } else {
        add(text, format_args!("SI,{section},{burden},{},,{points},{}", one.code, one.times));
    }
    days(text, |day| i32::from(one.days.contains(&day)));
}

/// IY: 39 fields.
fn drug(text: &mut String, burden: char, one: &Drug) {
    let section = if one.continues { "" } else { one.section };
    let points = one.points.map(|points| points.to_string()).unwrap_or_default();
    add(text, format_args!("IY,{section},{burden},{},{},{points},{},", one.code, one.dose, one.times));
    days(text, |day| if day == one.day { one.times } else { 0 });
}

/// TO: 45 fields.
fn material(text: &mut String, burden: char, one: &Material) {
    let price = one.points * 10;
    add(
        text,
        format_args!(
            "TO,{},{burden},{},{},,{price},,,,,歯科材料,{},1",
            one.section, one.code, one.quantity, one.points
        ),
    );
    days(text, |day| i32::from(day == one.day));
}
