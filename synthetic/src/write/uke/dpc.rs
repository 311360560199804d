//! The text of a DPC receipt (formats.md, 2).

use super::Receipt;
use super::medical::{add, identity, payers, receipt_type, visits, write_item};
use crate::calendar;
use crate::facilities::Facility;
use crate::records::{Bundle, Claim};

/// The receipt behind `RE,<number>`.
pub(super) fn receipt(claim: &Claim, bundle: &Bundle, facility: &Facility) -> Receipt {
    let mut text = String::with_capacity(1024);
    common(&mut text, claim, bundle, facility);
    payers(&mut text, claim);
    visits(&mut text, claim);
    stay(&mut text, claim, bundle);
    for item in &claim.items {
        write_item(&mut text, claim, item);
    }
    for (number, one) in bundle.covered.iter().enumerate() {
        let dose = one.dose.map(|dose| dose.to_string()).unwrap_or_default();
        let (on, section) = (calendar::compact(one.on), one.section);
        add(&mut text, format_args!("CD,{on},{section},{},1,{},{dose},,,1,\r\n", number + 1, one.code));
    }
    if let Some(note) = &claim.note {
        add(&mut text, format_args!("SJ,01,{note}\r\n"));
    }
    Receipt { text, points: claim.points, identity: identity(claim, facility) }
}

fn common(text: &mut String, claim: &Claim, bundle: &Bundle, facility: &Facility) {
    let stated = &claim.stated;
    add(
        text,
        format_args!(
            ",{},{},{},{},{},,{},,,,{},{},,,,,,,{:017},,,{},,,,,{},\r\n",
            receipt_type(claim, '1'),
            claim.month.text(),
            stated.kanji,
            stated.sex,
            calendar::compact(stated.birth),
            calendar::compact(bundle.admitted_on),
            facility.beds,
            stated.chart,
            claim.search_number(),
            claim.department.unwrap_or_default(),
            stated.kana(""),
        ),
    );
}

/// BU, SB, KK, HH and GT.
fn stay(text: &mut String, claim: &Claim, bundle: &Bundle) {
    let discharged = bundle.discharged_on.map(calendar::compact).unwrap_or_default();
    let outcome = bundle.outcome.map(|outcome| outcome.to_string()).unwrap_or_default();
    let admitted = calendar::compact(bundle.admitted_on);
    add(text, format_args!("BU,{},{admitted},{discharged},{outcome},\r\n", bundle.code));
    for (code, role) in &bundle.diseases {
        let icd10 = catalog::codes::icd10_of_disease(code).unwrap_or_default();
        add(text, format_args!("SB,{code},,,{icd10},{role},,\r\n"));
    }
    let urgency = if bundle.emergency { 3 } else { 1 };
    add(text, format_args!("KK,,,{urgency},,,{},,,,,,,\r\n", claim.age));
    let (month, days) = (claim.month.text(), claim.visits.len());
    let subtotal = bundle.points_a_day * i32::try_from(days).unwrap_or(0);
    add(text, format_args!("HH,{month},2,1,1,1,{},{days},{subtotal}\r\n", bundle.points_a_day));
    add(text, format_args!("GT,{month},2,1,1,{subtotal},{subtotal},0,{subtotal},93,,\r\n"));
}
