//! The text of a pharmacy's receipt (formats.md, 4).

use super::Receipt;
use super::medical::{add, burden, checked, identity, padded, receipt_type};
use crate::calendar;
use crate::facilities::Facility;
use crate::population::Scheme;
use crate::records::{Claim, Prescription};
use crate::write::Identity;

/// The receipt behind `RE,<number>`.
pub(super) fn receipt(claim: &Claim, one: &Prescription, pharmacy: &Facility, prescriber: &Facility) -> Receipt {
    let mut text = String::with_capacity(1024);
    common(&mut text, claim, one, prescriber);
    payers(&mut text, claim);
    dispensed(&mut text, claim, one);
    // A pharmacy knows no chart number.
    let identity = Identity { chart: None, ..identity(claim, pharmacy) };
    Receipt { text, points: claim.points, identity }
}

fn common(text: &mut String, claim: &Claim, one: &Prescription, prescriber: &Facility) {
    let stated = &claim.stated;
    add(
        text,
        format_args!(
            ",{},{},{},{},{},,,{},1,{},{},,{}{}{:010},,{:017},,,,{}\r\n",
            receipt_type(claim, '4'),
            claim.month.text(),
            stated.kanji,
            stated.sex,
            calendar::compact(stated.birth),
            prescriber.prefecture(),
            prescriber.short_code(),
            prescriber.name,
            one.doctor,
            // Doctors 2 to 20, the narcotic licence, then the record number.
            ",".repeat(21),
            claim.search_number() % 10_000_000_000,
            claim.search_number(),
            stated.kana(""),
        ),
    );
}

fn payers(text: &mut String, claim: &Claim) {
    let stated = &claim.stated;
    let count = claim.visits.len();
    if claim.cover.scheme != Scheme::Assistance {
        add(
            text,
            format_args!(
                "HO,{},{},{},{count},{},,,,,,,,\r\n",
                padded(&stated.insurer),
                stated.symbol,
                stated.number,
                claim.points
            ),
        );
    }
    if let Some(public) = &claim.public {
        let payer = padded(&public.payer);
        add(text, format_args!("KO,{payer},{},,{count},{},,,,\r\n", public.recipient, claim.points));
    }
    checked(text, claim);
}

fn dispensed(text: &mut String, claim: &Claim, one: &Prescription) {
    let burden = burden(claim);
    let (prescribed, on) = (calendar::compact(one.prescribed_on), calendar::compact(one.dispensed_on));
    for (number, group) in one.groups.iter().enumerate() {
        add(text, format_args!("SH,{},{},,,{},,,,\r\n", number + 1, group.form, group.points));
        let code = if group.form == 1 { "410000210" } else { "410000310" };
        let sum = group.points * group.quantity;
        add(
            text,
            format_args!(
                "CZ,1,{prescribed},{on},1,{},{burden},,,{code},24,,,{sum}{}\r\n",
                group.quantity,
                ",".repeat(40)
            ),
        );
        for (drug, dose) in &group.drugs {
            add(text, format_args!("IY,{burden},{drug},{dose},,,,,,\r\n"));
        }
    }
    add(text, format_args!("KI,,1,{burden},410000110,42,,,,,{burden},440000110,1,45\r\n"));
}
