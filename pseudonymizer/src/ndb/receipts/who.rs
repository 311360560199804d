//! Who a receipt is of: identifiers from RE, HO and SN. What the payer organisation has verified (SN 4 to 6) supersedes what the
//! institution wrote.

use jiff::civil::Date;

use super::claim::Head;
use super::dialect::Dialect;
use super::institution::Institution;
use crate::cell;
use crate::intake::Intake;
use crate::normalise::sex::Sex;
use crate::normalise::{branch, chart, date, kana, kanji, symbol};
use crate::report::Reason;
use crate::tokens::Identity;

/// Nobody is older, in years: an older birth date is a slip (formats.md 13.7).
const AGE_MAX: i32 = 120;

/// Whether somebody born then can have been treated in that month.
pub(super) fn is_possible(birth: date::Birth, month: Date) -> bool {
    birth.month <= month && date::years(birth.month, month).is_some_and(|age| age <= AGE_MAX)
}

/// The identifiers, normalised; those that cannot be read are counted and left out.
pub(super) fn identity(
    head: &Head<'_>,
    dialect: &Dialect,
    month: Date,
    institution: &Institution,
    intake: &mut Intake<'_>,
) -> Identity {
    let (who, ho_who, sn_who) = (&dialect.re_who, &dialect.ho_who, &dialect.sn_who);
    let (re, ho, sn) = (|field| head.re.cell(field), |field| head.ho_cell(field), |field| head.sn_cell(field));
    let verified = sn(sn_who.verified_number);
    let (symbol_cell, number_cell) = if verified.is_empty() {
        (ho(ho_who.insured_symbol), ho(ho_who.insured_number))
    } else {
        (sn(sn_who.verified_symbol), verified)
    };
    let insurer_cell = match sn(sn_who.verified_insurer_no) {
        b"" => ho(ho_who.insurer_no),
        verified => verified,
    };
    let written = cell::cp932(re(who.patient_name)).unwrap_or_default();
    let chart = intake.identifier(re(who.chart_no), chart::read).filter(|_| institution.charts);
    let birth = intake.identifier(re(who.birth_date), |digits| date::birth(digits.as_bytes()));
    if birth.is_some_and(|birth| !is_possible(birth, month)) {
        intake.note(Reason::IdentifierForm);
    }
    let insurer = intake.insurer(insurer_cell);
    Identity {
        symbol: insurer.as_ref().and_then(|_| cell::cp932(symbol_cell)).and_then(|written| symbol::symbol(&written)),
        number: intake.identifier(number_cell, symbol::number),
        branch: intake.identifier(sn(sn_who.branch_no), branch::read),
        birth: birth.filter(|birth| is_possible(*birth, month)),
        sex: intake.identifier(re(who.sex), Sex::read),
        kana: intake.identifier(re(who.patient_kana), kana::name).or_else(|| kana::name(&written)),
        kanji: kanji::name(&written),
        facility: chart.as_ref().map(|_| institution.code.as_str().to_owned()),
        chart,
        insurer,
        ..Identity::default()
    }
}
