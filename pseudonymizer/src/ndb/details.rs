//! The body of a receipt: diagnoses, procedures, drugs, materials. Comments and narratives have no row to go to.

use jiff::civil::Date;

use super::header::Claim;
use super::receipts::{Layout, Receipt, kind_of};
use crate::atoms::Sighting;
use crate::cell::{self, at};
use crate::intake::Intake;
use crate::job::PseudonymizeError;
use crate::lines;
use crate::normalise::date;
use crate::report::Reason;
use crate::rows::{DiagnosisRow, DrugRow, MaterialRow, ProcedureRow};

/// 修飾語コード of a suspected diagnosis (疑い).
const SUSPECTED: &[u8] = b"8002";

/// Ward codes chosen by a hospital tell its ward: the first five digits stay (formats.md, part 1).
const WARD: &str = "19061";

/// First digits of the receipt system's masters (formats.md, part 16).
const PROCEDURE: char = '1';
const DRUG: char = '6';
const MATERIAL: char = '7';
const COMMENT: char = '8';

/// What a record leaves to those below it.
#[derive(Default)]
struct Carry {
    /// 診療識別, blank on the records of a group but the first.
    section: Option<String>,
    /// 調剤: form, and the days of the dispensing that the drugs below belong to.
    form: Option<String>,
    dispensing: Dispensing,
}

#[derive(Clone, Copy, Default)]
struct Dispensing {
    prescribed_on: Option<Date>,
    dispensed_on: Option<Date>,
    quantity: Option<i32>,
}

/// Writes the rows of the body.
pub(crate) fn write(receipt: &Receipt, claim: &Claim<'_>, intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
    let mut carry = Carry::default();
    let mut cells = Vec::new();
    for (number, line) in receipt.lines() {
        lines::split(line, b',', &mut cells);
        let known = match (kind_of(line), claim.layout) {
            (b"SY", _) => diagnosis(&cells, claim, intake)?,
            (b"SB", Layout::Dpc) => dpc_diagnosis(&cells, claim, intake)?,
            (b"CD", Layout::Dpc) => bundled(&cells, claim, intake)?,
            (b"SH", Layout::Pharmacy) => {
                carry.form = intake.cell(at(&cells, 3), |cell| cell::digits(cell, 1)).map(str::to_owned);
                Ok(())
            }
            (b"CZ", Layout::Pharmacy) => {
                carry.dispensing = dispensing(&cells, claim.month, intake);
                Ok(())
            }
            (b"IY", Layout::Pharmacy) => dispensed(&cells, claim, &carry, intake)?,
            (b"TO", Layout::Pharmacy) => dispensed_material(&cells, claim, carry.dispensing, intake)?,
            (b"SI" | b"IY" | b"TO", Layout::Dpc | Layout::Medical) => {
                act(kind_of(line), &cells, claim, &mut carry, intake)?
            }
            _ => Ok(()),
        };
        if let Err(reason) = known {
            intake.put_aside(number, reason, line)?;
        }
    }
    Ok(())
}

/// Written, or the reason why the record must be put aside.
type Written = Result<Result<(), Reason>, PseudonymizeError>;

fn diagnosis(cells: &[&[u8]], claim: &Claim<'_>, intake: &mut Intake<'_>) -> Written {
    let Some(code) = cell::digits(at(cells, 2), 7) else { return Ok(Err(Reason::NoCode)) };
    let outcome = intake.cell(at(cells, 4), |cell| cell::digits(cell, 1));
    if outcome == Some("3") {
        let died = Some(claim.month);
        intake.saw(claim.owner, Sighting { on: died, died, ..Sighting::default() });
    }
    let modifiers = intake.cell(at(cells, 5), modifiers);
    let row = DiagnosisRow {
        claim_id: claim.id,
        disease_code: Some(code),
        icd10: catalog::codes::icd10_of_disease(code),
        modifiers,
        suspected: Some(is_suspected(modifiers)),
        main: Some(at(cells, 7) == b"01"),
        start_date: intake.cell(at(cells, 3), date::day),
        outcome,
        facility_code: Some(claim.facility),
    };
    Ok(Ok(intake.row(claim.owner, &row)?))
}

fn dpc_diagnosis(cells: &[&[u8]], claim: &Claim<'_>, intake: &mut Intake<'_>) -> Written {
    let Some(code) = cell::digits(at(cells, 2), 7) else { return Ok(Err(Reason::NoCode)) };
    let modifiers = intake.cell(at(cells, 3), modifiers);
    let stated = intake.cell(at(cells, 5), cell::icd10);
    let row = DiagnosisRow {
        claim_id: claim.id,
        disease_code: Some(code),
        icd10: stated.as_deref().or_else(|| catalog::codes::icd10_of_disease(code)),
        modifiers,
        suspected: Some(is_suspected(modifiers)),
        main: Some(at(cells, 6) == b"11"),
        start_date: None,
        outcome: None,
        facility_code: Some(claim.facility),
    };
    Ok(Ok(intake.row(claim.owner, &row)?))
}

fn modifiers(cell: &[u8]) -> Option<&str> {
    let fits = !cell.is_empty() && cell.len().is_multiple_of(4) && cell.len() <= 80;
    cell::digits(cell, cell.len()).filter(|_| fits)
}

fn is_suspected(modifiers: Option<&str>) -> bool {
    modifiers.is_some_and(|codes| codes.as_bytes().chunks(4).any(|code| code == SUSPECTED))
}

/// SI, IY and TO of 医科 and DPC.
fn act(kind: &[u8], cells: &[&[u8]], claim: &Claim<'_>, carry: &mut Carry, intake: &mut Intake<'_>) -> Written {
    if let Some(section) = intake.cell(at(cells, 2), |cell| cell::digits(cell, 2)) {
        carry.section = Some(section.to_owned());
    }
    let section = carry.section.as_deref();
    let master = match kind {
        b"SI" => PROCEDURE,
        b"IY" => DRUG,
        _ => MATERIAL,
    };
    let Some(code) = master_code(at(cells, 4), master) else { return Ok(Err(Reason::NoCode)) };
    let points = intake.cell(at(cells, 6), cell::int);
    let times = intake.cell(at(cells, 7), cell::int);
    let day_from = if kind == b"TO" { 18 } else { 14 };
    let on = first_day(cells, day_from, claim.month);
    match kind {
        b"SI" => procedure(&Act { code, section, points, times, on }, claim, intake),
        b"IY" => {
            let quantity = intake.cell(at(cells, 5), cell::decimal);
            // 内服: the count is days.
            let days_supply = times.filter(|_| section == Some("21"));
            drug(&Given { code, section, quantity, times, days_supply, on }, claim, intake)
        }
        _ => {
            let quantity = intake.cell(at(cells, 5), cell::decimal);
            material(code, quantity, times, on, claim, intake)
        }
    }
}

struct Act<'a> {
    code: &'a str,
    section: Option<&'a str>,
    points: Option<i32>,
    times: Option<i32>,
    on: Option<Date>,
}

struct Given<'a> {
    code: &'a str,
    section: Option<&'a str>,
    quantity: Option<f64>,
    times: Option<i32>,
    days_supply: Option<i32>,
    on: Option<Date>,
}

fn procedure(act: &Act<'_>, claim: &Claim<'_>, intake: &mut Intake<'_>) -> Written {
    let code = if act.code.starts_with(WARD) { "190610000" } else { act.code };
    let row = ProcedureRow {
        claim_id: claim.id,
        section: act.section,
        procedure_code: Some(code),
        points: act.points,
        times: act.times,
        performed_on: act.on,
        facility_code: Some(claim.facility),
    };
    Ok(Ok(intake.row(claim.owner, &row)?))
}

fn drug(given: &Given<'_>, claim: &Claim<'_>, intake: &mut Intake<'_>) -> Written {
    let known = catalog::codes::drug(given.code);
    let row = DrugRow {
        claim_id: claim.id,
        section: given.section,
        drug_code: Some(given.code),
        yj_code: known.and_then(|drug| drug.yj),
        route: known.and_then(|drug| drug.route),
        quantity: given.quantity,
        unit: known.and_then(|drug| drug.unit),
        times: given.times,
        days_supply: given.days_supply,
        prescribed_on: given.on,
        dispensed_on: given.on,
        facility_code: Some(claim.facility),
    };
    Ok(Ok(intake.row(claim.owner, &row)?))
}

fn material(
    code: &str,
    quantity: Option<f64>,
    times: Option<i32>,
    performed_on: Option<Date>,
    claim: &Claim<'_>,
    intake: &mut Intake<'_>,
) -> Written {
    let row = MaterialRow {
        claim_id: claim.id,
        material_code: Some(code),
        quantity,
        times,
        performed_on,
        facility_code: Some(claim.facility),
    };
    Ok(Ok(intake.row(claim.owner, &row)?))
}

/// CD: the care that a DPC payment bundles, by day. The first digit of a code tells what it is.
fn bundled(cells: &[&[u8]], claim: &Claim<'_>, intake: &mut Intake<'_>) -> Written {
    let Some(code) = cell::digits(at(cells, 6), 9) else { return Ok(Err(Reason::NoCode)) };
    let on = intake.cell(at(cells, 2), date::day);
    let section = intake.cell(at(cells, 3), |cell| cell::digits(cell, 2));
    let times = intake.cell(at(cells, 10), cell::int);
    let quantity = intake.cell(at(cells, 7), cell::decimal);
    match code.chars().next() {
        Some(PROCEDURE) => procedure(&Act { code, section, points: None, times, on }, claim, intake),
        Some(DRUG) => drug(&Given { code, section, quantity, times, days_supply: None, on }, claim, intake),
        Some(MATERIAL) => material(code, quantity, times, on, claim, intake),
        Some(COMMENT) => {
            intake.note(Reason::RecordUncarried);
            Ok(Ok(()))
        }
        _ => Ok(Err(Reason::NoCode)),
    }
}

fn dispensing(cells: &[&[u8]], month: Date, intake: &mut Intake<'_>) -> Dispensing {
    let mut day = |cell: &[u8]| intake.cell(cell, |cell| date::day(cell).or_else(|| day_of(cell, month)));
    let (prescribed_on, dispensed_on) = (day(at(cells, 3)), day(at(cells, 4)));
    Dispensing { prescribed_on, dispensed_on, quantity: intake.cell(at(cells, 6), cell::int) }
}

/// A drug of a pharmacy, under its CZ; code at 3, dose at 4.
fn dispensed(cells: &[&[u8]], claim: &Claim<'_>, carry: &Carry, intake: &mut Intake<'_>) -> Written {
    let Some(code) = master_code(at(cells, 3), DRUG) else { return Ok(Err(Reason::NoCode)) };
    let known = catalog::codes::drug(code);
    let Dispensing { prescribed_on, dispensed_on, quantity: times } = carry.dispensing;
    let row = DrugRow {
        claim_id: claim.id,
        section: None,
        drug_code: Some(code),
        yj_code: known.and_then(|drug| drug.yj),
        route: known.and_then(|drug| drug.route),
        quantity: intake.cell(at(cells, 4), cell::decimal),
        unit: known.and_then(|drug| drug.unit),
        times,
        days_supply: times.filter(|_| carry.form.as_deref() == Some("1")),
        prescribed_on,
        dispensed_on,
        facility_code: Some(claim.facility),
    };
    Ok(Ok(intake.row(claim.owner, &row)?))
}

fn dispensed_material(cells: &[&[u8]], claim: &Claim<'_>, under: Dispensing, intake: &mut Intake<'_>) -> Written {
    let Some(code) = master_code(at(cells, 3), MATERIAL) else { return Ok(Err(Reason::NoCode)) };
    let quantity = intake.cell(at(cells, 4), cell::decimal);
    material(code, quantity, under.quantity, under.dispensed_on, claim, intake)
}

/// Nine digits that begin as the codes of a master do.
fn master_code(cell: &[u8], first: char) -> Option<&str> {
    cell::digits(cell, 9).filter(|code| code.starts_with(first))
}

/// The first day of the month with a count in the 31 day columns that begin at a position.
fn first_day(cells: &[&[u8]], from: usize, month: Date) -> Option<Date> {
    let day = (1..=31_i8).zip(from..).find(|(_, place)| cell::int(at(cells, *place)).is_some_and(|count| count > 0))?.0;
    Date::new(month.year(), month.month(), day).ok()
}

/// A day of the month in one or two digits, as some 調剤 files write it.
fn day_of(cell: &[u8], month: Date) -> Option<Date> {
    let day = i8::try_from(cell::int(cell)?).ok().filter(|_| cell.len() <= 2)?;
    Date::new(month.year(), month.month(), day).ok()
}
