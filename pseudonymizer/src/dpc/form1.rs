//! 様式1: one row an item; the rows of a case stand together (formats.md 9.1). Payload 9 is text and is never read.

use super::CaseKey;
use super::case::{Facts, Outcome, Stay};
use crate::atoms::Sighting;
use crate::cell::{self, at};
use crate::intake::{Intake, home_of_postcode};
use crate::job::PseudonymizeError;
use crate::normalise::date::{self, Birth};
use crate::normalise::sex::Sex;
use crate::report::Reason;
use crate::rows::{Form1Row, StayDiagnosisRow, StayProcedureRow};
use crate::tokens::Identity;

/// Coded severity, cancer and care items, kept payload by payload in `dpc.form1`.
const CODED: [&str; 24] = [
    "A002010", "A003010", "A004010", "A008010", "CAN0010", "CAN0020", "CAN0030", "CAN0040", "M010010", "M010020",
    "M010030", "M040010", "M040020", "M050010", "M050020", "M050030", "M060010", "M060020", "M070010", "M120010",
    "M160010", "M170010", "M170020", "A001030",
];

/// Known items without a column: period of the file, departments, wards, purposes, earlier stays.
const UNCARRIED: [&str; 7] = ["A000031", "A000040", "A000050", "A000060", "A000070", "A000080", "A000090"];

/// Diagnoses and the role they stand for.
const DIAGNOSES: [(&str, &str); 6] = [
    ("A006010", "main"),
    ("A006020", "admission"),
    ("A006030", "resource"),
    ("A006031", "resource"),
    ("A006040", "comorbidity"),
    ("A006050", "complication"),
];

/// The rows of a case, gathered.
#[derive(Default)]
pub(crate) struct Case {
    pub(crate) key: Option<CaseKey>,
    facts: Facts,
    birth: Option<Birth>,
    sex: Option<Sex>,
    postcode: Option<String>,
    diagnoses: Vec<(String, &'static str)>,
    procedures: Vec<(String, Option<jiff::civil::Date>)>,
    coded: Vec<(String, String)>,
}

impl Case {
    /// Adds a row.
    pub(crate) fn add(
        &mut self,
        key: CaseKey,
        cells: &[&[u8]],
        line: &[u8],
        intake: &mut Intake<'_>,
    ) -> Result<(), PseudonymizeError> {
        self.key = Some(key);
        // 統括診療情報番号: 0 the whole stay, 1 and on its parts, which repeat it.
        if !matches!(at(cells, 5), b"0" | b"") {
            intake.note(Reason::RecordUncarried);
            return Ok(());
        }
        let payload = |number: usize| at(cells, number.saturating_add(8));
        let Some(code) = cell::code(at(cells, 6), 7) else {
            return intake.put_aside(intake.file.records, Reason::NoCode, line);
        };
        match code {
            "A000010" => {
                self.birth = intake.identifier(payload(1), |digits| date::birth(digits.as_bytes()));
                self.sex = intake.identifier(payload(2), Sex::read);
                self.postcode = cell::cp932(payload(3));
            }
            "A000020" => self.admission(&payload, intake),
            "A000030" => self.discharge(&payload, intake),
            "A001010" => {
                self.facts.height_cm = intake.cell(payload(2), cell::decimal);
                self.facts.weight_kg = intake.cell(payload(3), cell::decimal);
            }
            "A001020" => self.facts.smoking_index = intake.cell(payload(2), cell::int),
            "ADL0010" | "ADL0020" => put(&mut self.facts.adl, code, intake.cell(payload(2), adl)),
            "JCS0010" | "JCS0020" => put(&mut self.facts.jcs, code, intake.cell(payload(2), coma)),
            "A007010" => match intake.cell(payload(2), procedure_code) {
                Some(k_code) => self.procedures.push((k_code, intake.cell(payload(1), date::day))),
                None => return intake.put_aside(intake.file.records, Reason::NoCode, line),
            },
            _ => return self.other(code, &payload, line, intake),
        }
        Ok(())
    }

    fn admission<'c>(&mut self, payload: &impl Fn(usize) -> &'c [u8], intake: &mut Intake<'_>) {
        let facts = &mut self.facts;
        facts.route_in = intake.cell(payload(2), short_code);
        facts.emergency = intake.cell(payload(5), emergency);
        facts.ambulance = intake.cell(payload(6), flag);
    }

    fn discharge<'c>(&mut self, payload: &impl Fn(usize) -> &'c [u8], intake: &mut Intake<'_>) {
        let facts = &mut self.facts;
        facts.discharged_on = if payload(1) == b"00000000" { None } else { intake.cell(payload(1), date::day) };
        facts.discharge_to = intake.cell(payload(2), short_code);
        facts.outcome = intake.cell(payload(3), Outcome::read);
        facts.died_within_24h = intake.cell(payload(4), |code| match code {
            b"0" => Some(false),
            b"1" | b"2" => Some(true),
            _ => None,
        });
    }

    fn other<'c>(
        &mut self,
        code: &str,
        payload: &impl Fn(usize) -> &'c [u8],
        line: &[u8],
        intake: &mut Intake<'_>,
    ) -> Result<(), PseudonymizeError> {
        if let Some((_, role)) = DIAGNOSES.iter().find(|(known, _)| *known == code) {
            let Some(icd10) = intake.cell(payload(2), cell::icd10) else {
                return intake.put_aside(intake.file.records, Reason::NoCode, line);
            };
            if *role == "main" {
                self.facts.main_icd10 = Some(icd10.clone());
            }
            self.diagnoses.push((icd10, role));
        } else if CODED.contains(&code) {
            for number in 2..=8 {
                let item = if number == 2 { code.to_owned() } else { format!("{code}-{number}") };
                if let Some(value) = intake.cell(payload(number), short_code) {
                    self.coded.push((item, value));
                }
            }
        } else if UNCARRIED.contains(&code) {
            intake.note(Reason::RecordUncarried);
        } else {
            return intake.put_aside(intake.file.records, Reason::RecordUnknown, line);
        }
        Ok(())
    }

    /// Writes the rows of the case and gives the stay, which waits for its points.
    pub(crate) fn write(mut self, key: &CaseKey, intake: &mut Intake<'_>) -> Result<Option<Stay>, PseudonymizeError> {
        let identity = Identity {
            birth: self.birth.filter(|birth| birth.month <= key.admitted_on),
            sex: self.sex,
            facility: Some(key.facility.clone()),
            chart: Some(key.chart.clone()),
            ..Identity::default()
        };
        self.facts.facility.clone_from(&key.facility);
        self.facts.admitted_on = Some(key.admitted_on);
        self.facts.age = identity.born().and_then(|born| date::years(born, key.admitted_on));
        self.facts.sex = identity.sex.map(Sex::code);
        let Some(owner) = intake.resume(&identity, &key.words().each_ref().map(String::as_str)) else { return Ok(None) };
        let left = self.facts.discharged_on;
        let died = self.facts.outcome.filter(|outcome| outcome.died()).and(left).map(date::first_of_month);
        let home = self.postcode.as_deref().and_then(home_of_postcode);
        intake.saw(owner, Sighting { on: Some(key.admitted_on), until: left, home, died });
        intake.saw_facility(&key.facility, None, true);
        let stay_id = owner.record;
        let facility_code = Some(key.facility.as_str());
        for (icd10, role) in &self.diagnoses {
            let row = StayDiagnosisRow { stay_id, icd10: Some(icd10), role: Some(role), facility_code };
            intake.row(owner, &row)?;
        }
        for (k_code, performed_on) in &self.procedures {
            let row = StayProcedureRow { stay_id, k_code: Some(k_code), performed_on: *performed_on, facility_code };
            intake.row(owner, &row)?;
        }
        for (item, code) in &self.coded {
            let value = cell::decimal(code.as_bytes());
            let row = Form1Row { stay_id, item: Some(item), value_code: Some(code), value, facility_code };
            intake.row(owner, &row)?;
        }
        Ok(Some(Stay { owner, facts: self.facts }))
    }
}

/// `…10` is at admission, `…20` at discharge.
fn put<T>(pair: &mut [Option<T>; 2], code: &str, value: Option<T>) {
    let [admission, discharge] = pair;
    *(if code.ends_with("10") { admission } else { discharge }) = value;
}

/// A code of up to eight half-width letters and digits: shorter than any number of a person.
fn short_code(cell: &[u8]) -> Option<String> {
    let fits = (1..=8).contains(&cell.len()) && cell.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'.');
    fits.then(|| String::from_utf8(cell.to_vec()).ok()).flatten()
}

/// 予定・救急医療入院: 1xx planned, 2xx unplanned, 3xx emergency.
fn emergency(cell: &[u8]) -> Option<bool> {
    let code = cell::digits(cell, 3)?;
    Some(!code.starts_with('1'))
}

fn flag(cell: &[u8]) -> Option<bool> {
    match cell {
        b"0" => Some(false),
        b"1" => Some(true),
        _ => None,
    }
}

/// Barthel index by 5: the sum of ten digits, 0 to 3 each; 9 is unknown.
fn adl(cell: &[u8]) -> Option<i32> {
    let digits = cell::digits(cell, 10)?;
    let parts: Option<Vec<i32>> =
        digits.bytes().map(|digit| (digit <= b'3').then(|| i32::from(digit - b'0'))).collect();
    Some(parts?.iter().sum())
}

/// Japan Coma Scale: up to three digits, a letter behind them allowed.
fn coma(cell: &[u8]) -> Option<String> {
    let fits = (1..=6).contains(&cell.len())
        && cell.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'R' | b'I' | b'A'));
    fits.then(|| String::from_utf8(cell.to_vec()).ok()).flatten()
}

/// K code of the fee table: `K` and digits, with branches (`K552-2`, `K9202`).
fn procedure_code(cell: &[u8]) -> Option<String> {
    let fits = cell.first() == Some(&b'K')
        && (2..=12).contains(&cell.len())
        && cell.iter().skip(1).all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    fits.then(|| String::from_utf8(cell.to_vec()).ok()).flatten()
}
