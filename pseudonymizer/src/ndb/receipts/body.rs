//! The body of a receipt: diagnoses, procedures, drugs, materials. Comments and narratives have no row to go to.

use jiff::civil::Date;

use super::buffer::{Line, Receipt};
use super::claim::Claim;
use super::dialect::Take;
use crate::atoms::Sighting;
use crate::cell;
use crate::intake::Intake;
use crate::job::PseudonymizeError;
use crate::layout::Span;
use crate::normalise::date;
use crate::report::Reason;
use crate::rows::{DiagnosisRow, DrugRow, MaterialRow, ProcedureRow};

mod days;
mod group;

use days::Days;
use group::{Dispensing, Group};

/// 修飾語コード of a suspected diagnosis (疑い).
const SUSPECTED: &[u8] = b"8002";

/// Ward codes chosen by a hospital tell its ward: the first five digits stay (formats.md, part 1).
const WARD: &str = "19061";

/// First digits of the receipt system's masters (formats.md, part 16).
const PROCEDURE: char = '1';
const DENTAL: char = '3';
const DRUG: char = '6';
const MATERIAL: char = '7';
const COMMENT: char = '8';

/// Written, or the reason why the record must be put aside.
type Written = Result<Result<(), Reason>, PseudonymizeError>;

/// Writes the rows of the body.
pub(super) fn write(receipt: &Receipt, claim: &Claim<'_>, intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
    let mut group = Group::default();
    for line in receipt.lines() {
        let written = match claim.dialect.take(line.tag) {
            Take::Aside => Err(Reason::RecordUnknown),
            Take::Drop => {
                intake.note(Reason::RecordUncarried);
                Ok(())
            }
            Take::Read => record(line, claim, &mut group, intake)?,
        };
        if let Err(reason) = written {
            intake.put_aside(line.number, reason, line.bytes)?;
        }
    }
    Ok(())
}

fn record<'r>(line: Line<'r>, claim: &Claim<'_>, group: &mut Group<'r>, intake: &mut Intake<'_>) -> Written {
    let dialect = claim.dialect;
    match &line.tag {
        b"RE" | b"HO" | b"KO" | b"SN" | b"BU" => Ok(Ok(())),
        b"HS" | b"SB" | b"SY" => disease(line, claim, intake),
        b"SI" | b"SS" => act(line, claim, group, intake),
        b"IY" => drug(line, claim, group, intake),
        b"TO" => material(line, claim, group, intake),
        b"CD" => bundled(line, claim, intake),
        b"SH" => {
            group.form = intake.cell(line.cell(dialect.sh.form_code), |cell| cell::digits(cell, 1));
            Ok(Ok(()))
        }
        b"CZ" => {
            group.dispensing = Dispensing::read(line, dialect, claim.month, intake);
            Ok(Ok(()))
        }
        b"CO" => {
            group.section(line, dialect.co.service_class, intake);
            intake.note(Reason::RecordUncarried);
            Ok(Ok(()))
        }
        _ => {
            intake.note(Reason::RecordUncarried);
            Ok(Ok(()))
        }
    }
}

/// Where the fields of a diagnosis stand.
struct Disease {
    code: Span,
    start: Span,
    outcome: Span,
    modifiers: Span,
    icd10: Span,
    /// With the word that says main.
    main: (Span, &'static [u8]),
    /// Whether outcome 3 is death (別表 of 医科; 歯科 has another).
    tells_death: bool,
}

impl Disease {
    fn of(line: Line<'_>, claim: &Claim<'_>) -> Self {
        let (sy, hs, sb) = (&claim.dialect.sy, &claim.dialect.hs, &claim.dialect.sb);
        let none = Span::default();
        let (code, start, outcome, modifiers, icd10, main) = match &line.tag {
            b"SB" => (sb.disease_code, none, none, sb.modifier_codes, sb.icd10, (sb.disease_role, &b"11"[..])),
            b"HS" => {
                (hs.disease_code, hs.disease_start, hs.outcome, hs.modifier_codes, none, (hs.main_flag, &b"01"[..]))
            }
            _ => (sy.disease_code, sy.disease_start, sy.outcome, sy.modifier_codes, none, (sy.main_flag, &b"01"[..])),
        };
        Self { code, start, outcome, modifiers, icd10, main, tells_death: &line.tag == b"SY" }
    }
}

fn disease(line: Line<'_>, claim: &Claim<'_>, intake: &mut Intake<'_>) -> Written {
    let fields = Disease::of(line, claim);
    let Some(code) = cell::digits(line.cell(fields.code), 7) else { return Ok(Err(Reason::NoCode)) };
    let outcome = intake.cell(line.cell(fields.outcome), |cell| cell::digits(cell, 1));
    if fields.tells_death && outcome == Some("3") {
        let died = Some(claim.month);
        intake.saw(claim.owner, Sighting { on: died, died, ..Sighting::default() });
    }
    let modifiers = intake.cell(line.cell(fields.modifiers), modifiers);
    let stated = intake.cell(line.cell(fields.icd10), cell::icd10);
    let row = DiagnosisRow {
        claim_id: claim.owner.record,
        disease_code: Some(code),
        icd10: stated.as_deref().or_else(|| catalog::codes::icd10_of_disease(code)),
        modifiers,
        suspected: fields.modifiers.is_open().then(|| is_suspected(modifiers)),
        main: fields.main.0.is_open().then(|| line.cell(fields.main.0) == fields.main.1),
        start_date: intake.cell(line.cell(fields.start), date::day),
        outcome,
        facility_code: Some(claim.facility()),
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

struct Act<'a> {
    code: &'a str,
    section: Option<&'a str>,
    points: Option<i32>,
    times: Option<i32>,
    on: Option<Date>,
}

/// SI and SS. Points stand on the last record of a group and stay there.
fn act<'r>(line: Line<'r>, claim: &Claim<'_>, group: &mut Group<'r>, intake: &mut Intake<'_>) -> Written {
    let (si, ss) = (&claim.dialect.si, &claim.dialect.ss);
    let (class, code, points, count, days, master) = match &line.tag {
        b"SS" => (ss.service_class, ss.procedure_code, ss.points, ss.count, ss.days, DENTAL),
        _ => (si.service_class, si.procedure_code, si.points, si.count, si.days, PROCEDURE),
    };
    let section = group.section(line, class, intake);
    let Some(code) = master_code(line.cell(code), master) else { return Ok(Err(Reason::NoCode)) };
    let points = intake.cell(line.cell(points), cell::int);
    let times = intake.cell(line.cell(count), cell::int);
    let on = Days::read(line, days, claim.month, intake).checked(times, intake);
    write_act(&Act { code, section, points, times, on }, claim, intake)
}

fn write_act(act: &Act<'_>, claim: &Claim<'_>, intake: &mut Intake<'_>) -> Written {
    let code = if act.code.starts_with(WARD) { "190610000" } else { act.code };
    let row = ProcedureRow {
        claim_id: claim.owner.record,
        section: act.section,
        procedure_code: Some(code),
        points: act.points,
        times: act.times,
        performed_on: act.on,
        facility_code: Some(claim.facility()),
    };
    Ok(Ok(intake.row(claim.owner, &row)?))
}

struct Given<'a> {
    code: &'a str,
    section: Option<&'a str>,
    quantity: Option<f64>,
    times: Option<i32>,
    days_supply: Option<i32>,
    prescribed_on: Option<Date>,
    dispensed_on: Option<Date>,
}

/// IY: with its own count and days, or (調剤) with those of the CZ above.
fn drug<'r>(line: Line<'r>, claim: &Claim<'_>, group: &mut Group<'r>, intake: &mut Intake<'_>) -> Written {
    let fields = &claim.dialect.iy;
    let section = group.section(line, fields.service_class, intake);
    let Some(code) = master_code(line.cell(fields.drug_code), DRUG) else { return Ok(Err(Reason::NoCode)) };
    let count = intake.cell(line.cell(fields.count), cell::int);
    let on = Days::read(line, fields.days, claim.month, intake).checked(count, intake);
    let under = group.dispensing;
    let days_supply = match group.form {
        Some(form) => under.quantity.filter(|_| form == "1"),
        // 内服: the count is days.
        None => count.filter(|_| section == Some("21")),
    };
    let given = Given {
        code,
        section,
        quantity: intake.cell(line.cell(fields.dose), cell::decimal),
        times: count.or(under.quantity),
        days_supply,
        prescribed_on: on.or(under.prescribed_on),
        dispensed_on: on.or(under.dispensed_on),
    };
    write_drug(&given, claim, intake)
}

fn write_drug(given: &Given<'_>, claim: &Claim<'_>, intake: &mut Intake<'_>) -> Written {
    let known = catalog::codes::drug(given.code);
    let row = DrugRow {
        claim_id: claim.owner.record,
        section: given.section,
        drug_code: Some(given.code),
        yj_code: known.and_then(|drug| drug.yj),
        route: known.and_then(|drug| drug.route),
        quantity: given.quantity,
        unit: known.and_then(|drug| drug.unit),
        times: given.times,
        days_supply: given.days_supply,
        prescribed_on: given.prescribed_on,
        dispensed_on: given.dispensed_on,
        facility_code: Some(claim.facility()),
    };
    Ok(Ok(intake.row(claim.owner, &row)?))
}

/// TO: as drugs.
fn material<'r>(line: Line<'r>, claim: &Claim<'_>, group: &mut Group<'r>, intake: &mut Intake<'_>) -> Written {
    let fields = &claim.dialect.to;
    group.section(line, fields.service_class, intake);
    let Some(code) = master_code(line.cell(fields.material_code), MATERIAL) else { return Ok(Err(Reason::NoCode)) };
    let count = intake.cell(line.cell(fields.count), cell::int);
    let on = Days::read(line, fields.days, claim.month, intake).checked(count, intake);
    let row = MaterialRow {
        claim_id: claim.owner.record,
        material_code: Some(code),
        quantity: intake.cell(line.cell(fields.quantity), cell::decimal),
        times: count.or(group.dispensing.quantity),
        performed_on: on.or(group.dispensing.dispensed_on),
        facility_code: Some(claim.facility()),
    };
    Ok(Ok(intake.row(claim.owner, &row)?))
}

/// CD: the care that a DPC payment bundles, by day. The first digit of a code tells what it is.
fn bundled(line: Line<'_>, claim: &Claim<'_>, intake: &mut Intake<'_>) -> Written {
    let fields = &claim.dialect.cd;
    let Some(code) = cell::digits(line.cell(fields.code), 9) else { return Ok(Err(Reason::NoCode)) };
    let on = intake.cell(line.cell(fields.service_date), date::day);
    let section = intake.cell(line.cell(fields.service_class), |cell| cell::digits(cell, 2));
    let times = intake.cell(line.cell(fields.count), cell::int);
    let quantity = intake.cell(line.cell(fields.dose), cell::decimal);
    match code.chars().next() {
        Some(PROCEDURE) => write_act(&Act { code, section, points: None, times, on }, claim, intake),
        Some(DRUG) => {
            let (prescribed_on, dispensed_on) = (on, on);
            write_drug(
                &Given { code, section, quantity, times, days_supply: None, prescribed_on, dispensed_on },
                claim,
                intake,
            )
        }
        Some(MATERIAL) => {
            let row = MaterialRow {
                claim_id: claim.owner.record,
                material_code: Some(code),
                quantity,
                times,
                performed_on: on,
                facility_code: Some(claim.facility()),
            };
            Ok(Ok(intake.row(claim.owner, &row)?))
        }
        Some(COMMENT) => {
            intake.note(Reason::RecordUncarried);
            Ok(Ok(()))
        }
        _ => Ok(Err(Reason::NoCode)),
    }
}

/// Nine digits that begin as the codes of a master do.
fn master_code(cell: &[u8], first: char) -> Option<&str> {
    cell::digits(cell, 9).filter(|code| code.starts_with(first))
}
