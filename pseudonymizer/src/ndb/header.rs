//! The head of a receipt: who it belongs to (RE, HO, KO, SN), what it is about, and its row in `ndb.claims`.

use jiff::civil::Date;

use super::receipts::{Institution, Layout, Receipt, kind_of};
use crate::atoms::{Owner, Sighting};
use crate::cell::{self, at};
use crate::intake::{Intake, home_of_insurer};
use crate::job::PseudonymizeError;
use crate::lines;
use crate::normalise::insurer::Insurer;
use crate::normalise::sex::Sex;
use crate::normalise::{branch, chart, date, kana, kanji, symbol};
use crate::report::Reason;
use crate::rows::{ClaimRow, PublicExpenseRow};
use crate::tokens::Identity;

/// Nobody is older, in years: an older birth date is a slip (formats.md 13.7).
const AGE_MAX: i32 = 120;

/// A receipt's head, read.
pub(crate) struct Claim<'a> {
    pub(crate) id: u64,
    pub(crate) owner: Owner,
    pub(crate) layout: Layout,
    pub(crate) month: Date,
    pub(crate) facility: &'a str,
    row: Facts,
    public: Vec<Public>,
}

struct Facts {
    inpatient: bool,
    department: Option<String>,
    insurer: Option<Insurer>,
    prescriber: Option<String>,
    admitted_on: Option<Date>,
    points: Option<i32>,
    days: Option<i32>,
    copay: Option<i32>,
    age: Option<i32>,
    sex: Option<Sex>,
}

struct Public {
    law_code: Option<String>,
    days: Option<i32>,
    points: Option<i32>,
}

/// The records of the head, split.
#[derive(Default)]
struct Head<'a> {
    re: Vec<&'a [u8]>,
    ho: Vec<&'a [u8]>,
    ko: Vec<Vec<&'a [u8]>>,
    sn: Vec<&'a [u8]>,
    bu: Vec<&'a [u8]>,
}

impl<'a> Head<'a> {
    fn of(receipt: &'a Receipt) -> Self {
        let mut head = Self::default();
        for (_, line) in receipt.lines() {
            let mut cells = Vec::new();
            match kind_of(line) {
                b"RE" | b"HO" | b"KO" | b"SN" | b"BU" => lines::split(line, b',', &mut cells),
                _ => continue,
            }
            match kind_of(line) {
                b"RE" => head.re = cells,
                b"HO" if head.ho.is_empty() => head.ho = cells,
                b"KO" => head.ko.push(cells),
                b"SN" if at(&cells, 2) == b"1" => head.sn = cells,
                b"BU" => head.bu = cells,
                _ => {}
            }
        }
        head
    }
}

/// Reads the head. The reason why the whole receipt must be put aside, if so.
pub(crate) fn read<'a>(
    receipt: &Receipt,
    institution: &'a Institution,
    intake: &mut Intake<'_>,
) -> Result<Option<Claim<'a>>, Reason> {
    let layout = match (institution.pharmacy, receipt.has(b"BU")) {
        (true, _) => Layout::Pharmacy,
        (false, true) => Layout::Dpc,
        (false, false) => Layout::Medical,
    };
    let head = Head::of(receipt);
    let kind = cell::digits(at(&head.re, 3), 4).ok_or(Reason::RecordForm)?;
    let month = date::month(at(&head.re, 4)).ok_or(Reason::NoDate)?;
    let wanted = if layout == Layout::Pharmacy { '4' } else { '1' };
    // 総括 and 明細 of one DPC receipt repeat each other's points.
    let grouped = layout == Layout::Dpc && !at(&head.re, 19).is_empty();
    if !kind.starts_with(wanted) || grouped {
        return Err(Reason::ReceiptKind);
    }
    let inpatient = kind.ends_with(['1', '3', '5', '7', '9']);
    let identity = identity(&head, layout, month, institution, intake);
    let row = facts(&head, layout, month, inpatient, &identity, intake);
    let public = head.ko.iter().map(|ko| public(ko, intake)).collect();
    let home = home_of_insurer(row.insurer.as_ref());
    let Some(owner) = intake.begin(&identity) else { return Ok(None) };
    let died = matches!(at(&head.bu, 5), b"6" | b"7").then_some(month);
    intake.saw(owner, Sighting { on: Some(month), until: None, home, died });
    let beds = if layout == Layout::Pharmacy { None } else { intake.cell(at(&head.re, 13), cell::int) };
    intake.saw_facility(&institution.code, beds.filter(|beds| *beds > 0), false);
    Ok(Some(Claim { id: owner.record, owner, layout, month, facility: &institution.code, row, public }))
}

/// Identifiers of the person. What the payer organisation has verified (SN 4 to 6) supersedes what the institution wrote.
fn identity(
    head: &Head<'_>,
    layout: Layout,
    month: Date,
    institution: &Institution,
    intake: &mut Intake<'_>,
) -> Identity {
    let re = &head.re;
    let verified = !at(&head.sn, 6).is_empty();
    let (symbol_cell, number_cell) =
        if verified { (at(&head.sn, 5), at(&head.sn, 6)) } else { (at(&head.ho, 3), at(&head.ho, 4)) };
    let insurer_cell = if at(&head.sn, 4).is_empty() { at(&head.ho, 2) } else { at(&head.sn, 4) };
    let kana_cell = match layout {
        Layout::Dpc => at(re, 29),
        Layout::Medical => at(re, 37),
        Layout::Pharmacy => at(re, 42),
    };
    let written = cell::cp932(at(re, 5)).unwrap_or_default();
    let chart = match layout {
        Layout::Dpc | Layout::Medical => intake.identifier(at(re, 14), chart::read),
        Layout::Pharmacy => None,
    };
    let birth = intake.identifier(at(re, 7), |digits| date::birth(digits.as_bytes()));
    let possible =
        |birth: &date::Birth| birth.month <= month && date::years(birth.month, month).is_some_and(|age| age <= AGE_MAX);
    if birth.is_some_and(|birth| !possible(&birth)) {
        intake.note(Reason::IdentifierForm);
    }
    let insurer = intake.insurer(insurer_cell);
    Identity {
        symbol: insurer.as_ref().and_then(|_| cell::cp932(symbol_cell)).and_then(|written| symbol::symbol(&written)),
        number: intake.identifier(number_cell, symbol::number),
        branch: intake.identifier(at(&head.sn, 7), branch::read),
        birth: birth.filter(possible),
        sex: intake.identifier(at(re, 6), Sex::read),
        kana: intake.identifier(kana_cell, kana::name).or_else(|| kana::name(&written)),
        kanji: kanji::name(&written),
        facility: chart.as_ref().map(|_| institution.code.clone()),
        chart,
        insurer,
        ..Identity::default()
    }
}

fn facts(
    head: &Head<'_>,
    layout: Layout,
    month: Date,
    inpatient: bool,
    identity: &Identity,
    intake: &mut Intake<'_>,
) -> Facts {
    let re = &head.re;
    let pharmacy = layout == Layout::Pharmacy;
    let department = match layout {
        Layout::Dpc => at(re, 24),
        Layout::Medical => at(re, 22),
        Layout::Pharmacy => b"",
    };
    let first_ko = head.ko.first().map(Vec::as_slice).unwrap_or_default();
    let payer = if head.ho.is_empty() { first_ko } else { &head.ho };
    let copay = if pharmacy { at(&head.ho, 10) } else { at(&head.ho, 12) };
    let admitted = if pharmacy { b"" } else { at(re, 9) };
    let admitted = if admitted.is_empty() { at(&head.bu, 3) } else { admitted };
    Facts {
        inpatient,
        department: intake.cell(department, |cell| cell::digits(cell, 2)).map(str::to_owned),
        insurer: identity.insurer.clone(),
        prescriber: if pharmacy { facility(at(re, 10), at(re, 11), at(re, 12)) } else { None },
        admitted_on: intake.cell(admitted, date::day),
        points: intake.cell(at(payer, 6), cell::int),
        days: intake.cell(at(payer, 5), cell::int),
        copay: intake.cell(copay, cell::int),
        age: identity.born().map(|born| date::years(born, month).unwrap_or(0)),
        sex: identity.sex,
    }
}

fn public(ko: &[&[u8]], intake: &mut Intake<'_>) -> Public {
    let payer = intake.identifier(at(ko, 2), Insurer::read);
    Public {
        law_code: payer.and_then(|payer| payer.digits().get(..2).map(str::to_owned)),
        days: intake.cell(at(ko, 5), cell::int),
        points: intake.cell(at(ko, 6), cell::int),
    }
}

/// Writes the rows of the head.
pub(crate) fn write(claim: &Claim<'_>, intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
    let facts = &claim.row;
    let place = catalog::facility::place(claim.facility);
    let insurer_type = match (&facts.insurer, claim.public.is_empty()) {
        (Some(insurer), _) => insurer.kind(),
        (None, false) => "public_only",
        (None, true) => "other",
    };
    let row = ClaimRow {
        claim_id: claim.id,
        service_month: Some(claim.month),
        facility_code: Some(claim.facility),
        facility_medical_area: place.as_ref().and_then(|place| place.medical_area),
        prefecture: place.map(|place| place.prefecture),
        residence_medical_area: None,
        claim_type: Some(match claim.layout {
            Layout::Dpc => "dpc",
            Layout::Medical => "medical",
            Layout::Pharmacy => "pharmacy",
        }),
        setting: Some(if facts.inpatient { "inpatient" } else { "outpatient" }),
        department: facts.department.as_deref(),
        insurer_type: Some(insurer_type),
        insurer_code: facts.insurer.as_ref().map(Insurer::digits),
        prescriber_facility_code: facts.prescriber.as_deref(),
        admitted_on: facts.admitted_on,
        points: facts.points,
        days: facts.days,
        copay: facts.copay,
        age: facts.age,
        sex: facts.sex.map(Sex::code),
    };
    intake.row(claim.owner, &row)?;
    if let Some(prescriber) = &facts.prescriber {
        intake.saw_facility(prescriber, None, false);
    }
    for public in &claim.public {
        let row = PublicExpenseRow {
            claim_id: claim.id,
            law_code: public.law_code.as_deref(),
            days: public.days,
            points: public.points,
            facility_code: Some(claim.facility),
        };
        intake.row(claim.owner, &row)?;
    }
    Ok(())
}

/// The 10-digit key of an institution: prefecture (2), fee table (1), number (7; lost zeros in front come back).
pub(crate) fn facility(prefecture: &[u8], fee_table: &[u8], number: &[u8]) -> Option<String> {
    let prefecture = cell::digits(prefecture, 2)?;
    let fee_table = cell::digits(fee_table, 1)?;
    let known = prefecture.parse::<u8>().is_ok_and(|code| (1..=47).contains(&code));
    let plain = (5..=7).contains(&number.len()) && number.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(number).ok().filter(|_| known && plain)?;
    Some(format!("{prefecture}{fee_table}{number:0>7}"))
}
