//! 様式1: one row an item; the rows of a case stand together (formats.md 9.1). Payload 9 is text and is never read.

use std::collections::HashSet;
use std::io::BufRead;
use std::path::Path;

mod values;

use super::case::{Facts, Outcome};
use super::stays::{CaseKey, check_order};
use super::{rows, width};
use crate::atoms::{Owner, Sighting};
use crate::cell;
use crate::intake::{Intake, Version, home_of_postcode};
use crate::job::PseudonymizeError;
use crate::layout::{Fate, Layout, Span, Use, fields, may};
use crate::normalise::date::{self, Birth};
use crate::normalise::sex::Sex;
use crate::report::Reason;
use crate::rows::{Form1Row, StayDiagnosisRow, StayProcedureRow, StayRow};
use crate::tokens::Identity;
use values::{adl, coma, emergency, flag, procedure_code, short_code};

fields! {
    /// Columns 1 to 8 of every line.
    Head of "" {
        frame { sub_episode_no, item_code }
        identity { facility, data_id }
        content { admission_date }
    }
}
fields! {
    /// 患者属性, for tokens.
    Patient of "A000010" { identity { birth_date, sex } content { postcode } }
}
fields! {
    /// 患者属性, for content.
    PatientFacts of "A000010" { identity {} content { sex } }
}
fields! {
    /// 入院情報.
    Admission of "A000020" { identity {} content { route, urgency, ambulance } }
}
fields! {
    /// 退院情報.
    EndOfStay of "A000030" { identity {} content { discharge_date, destination, outcome, died_within_24h } }
}
fields! {
    /// 身長・体重.
    Size of "A001010" { identity {} content { height_cm, weight_kg } }
}
fields! {
    /// 喫煙指数.
    Smoking of "A001020" { identity {} content { smoking_index } }
}
fields! {
    /// 手術情報.
    Operation of "A007010" { identity {} content { performed_on, k_code } }
}

/// Columns before the payloads.
const HEAD: usize = 8;

/// Diagnoses and the role they stand for.
const DIAGNOSES: [(&str, &str); 6] = [
    ("A006010", "main"),
    ("A006020", "admission"),
    ("A006030", "resource"),
    ("A006031", "resource"),
    ("A006040", "comorbidity"),
    ("A006050", "complication"),
];

/// What a code's payloads are.
enum Item {
    Admission(Admission),
    /// 0 at admission, 1 at discharge.
    Adl(Span, usize),
    /// Payloads, each with the name of its item.
    Coded(Vec<(Span, String)>),
    Coma(Span, usize),
    Diagnosis(Span, &'static str),
    Discharge(EndOfStay),
    Operation(Operation),
    Patient(Patient, PatientFacts),
    Size(Size),
    Smoking(Smoking),
    Uncarried,
}

/// The codes of the layout, by code.
struct Dictionary {
    items: Vec<(Vec<u8>, Item)>,
    unknown: Fate,
}

impl Dictionary {
    fn of(layout: Option<&Layout>) -> Self {
        let Some(layout) = layout else { return Self { items: Vec::new(), unknown: Fate::Quarantine } };
        let codes = layout.records.iter().filter(|record| !record.tag.is_empty() && record.fate != Fate::Quarantine);
        let mut items: Vec<_> = codes
            .map(|record| (record.tag.as_bytes().to_vec(), Self::item(layout, &record.tag, record.fate)))
            .collect();
        items.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self { items, unknown: layout.unknown }
    }

    fn item(layout: &Layout, code: &str, fate: Fate) -> Item {
        let span = |name| Span::of(layout, code, name, Use::Content);
        match code {
            _ if fate == Fate::Drop => Item::Uncarried,
            "A000010" => Item::Patient(Patient::of(layout), PatientFacts::of(layout)),
            "A000020" => Item::Admission(Admission::of(layout)),
            "A000030" => Item::Discharge(EndOfStay::of(layout)),
            "A001010" => Item::Size(Size::of(layout)),
            "A001020" => Item::Smoking(Smoking::of(layout)),
            "A007010" => Item::Operation(Operation::of(layout)),
            "ADL0010" => Item::Adl(span("score"), 0),
            "ADL0020" => Item::Adl(span("score"), 1),
            "JCS0010" => Item::Coma(span("score"), 0),
            "JCS0020" => Item::Coma(span("score"), 1),
            _ => match DIAGNOSES.iter().find(|(known, _)| *known == code) {
                Some((_, role)) => Item::Diagnosis(span("icd10"), role),
                None => Item::Coded(coded(layout, code)),
            },
        }
    }

    fn find(&self, code: &[u8]) -> Option<&Item> {
        let place = self.items.binary_search_by(|(known, _)| known.as_slice().cmp(code)).ok()?;
        self.items.get(place).map(|(_, item)| item)
    }
}

/// The payloads that the layout sends to `dpc.form1`: payload 2 by the code alone, `-n` behind it for the others.
fn coded(layout: &Layout, code: &str) -> Vec<(Span, String)> {
    let fields = layout.record(code).map(|record| record.fields.as_slice()).unwrap_or_default();
    let kept = fields.iter().filter(|field| may(field, Use::Content));
    kept.filter_map(|field| {
        let span = Span::of(layout, code, &field.name, Use::Content);
        let payload = span.first()?;
        Some((span, if payload == 2 { code.to_owned() } else { format!("{code}-{payload}") }))
    })
    .collect()
}

/// Reads a 様式1 file.
pub(crate) fn read(from: &mut dyn BufRead, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    let layout = intake.layout("dpc-form1");
    let (head, dictionary) = (layout.map(Head::of).unwrap_or_default(), Dictionary::of(layout));
    // Every code has nine payloads.
    let width = width(layout, "").saturating_add(9);
    let mut case: Option<Case> = None;
    let mut told = HashSet::new();
    rows(from, intake, path, width, |intake, cells, line| {
        let key = match CaseKey::read([head.facility.at(cells), head.data_id.at(cells), head.admission_date.at(cells)])
        {
            Ok(key) => key,
            Err(reason) => return intake.put_aside(intake.file.records, reason, line),
        };
        if case.as_ref().is_some_and(|known| known.key != key)
            && let Some(known) = case.take()
        {
            known.write(&mut told, intake)?;
        }
        let case = case.get_or_insert_with(|| Case::new(key));
        case.said.extend_from_slice(line);
        case.said.push(b'\n');
        // 統括診療情報番号: 0 the whole stay, 1 and on its parts, which repeat it.
        if !matches!(head.sub_episode_no.at(cells), b"0" | b"") {
            intake.note(Reason::RecordUncarried);
            return Ok(());
        }
        let code = head.item_code.at(cells);
        let aside = match (dictionary.find(code), dictionary.unknown) {
            (Some(item), _) => case.add(item, cells.get(HEAD..).unwrap_or_default(), intake),
            (None, Fate::Drop) => {
                intake.note(Reason::RecordUncarried);
                None
            }
            (None, _) => Some(Reason::RecordUnknown),
        };
        aside.map_or(Ok(()), |reason| intake.put_aside(intake.file.records, reason, line))
    })?;
    case.map_or(Ok(()), |case| case.write(&mut told, intake))
}

/// The rows of a case, gathered.
struct Case {
    key: CaseKey,
    /// All lines.
    said: Vec<u8>,
    facts: Facts,
    birth: Option<Birth>,
    sex: Option<Sex>,
    postcode: Option<String>,
    /// Whether a line of 患者属性 came.
    patient: bool,
    diagnoses: Vec<(String, &'static str)>,
    procedures: Vec<(String, Option<jiff::civil::Date>)>,
    coded: Vec<(String, String)>,
}

impl Case {
    fn new(key: CaseKey) -> Self {
        let facts = Facts { facility: key.facility.clone(), admitted_on: Some(key.admitted_on), ..Facts::default() };
        Self {
            key,
            said: Vec::new(),
            facts,
            birth: None,
            sex: None,
            postcode: None,
            patient: false,
            diagnoses: Vec::new(),
            procedures: Vec::new(),
            coded: Vec::new(),
        }
    }

    /// Adds an item. The reason why the row must be put aside, if so.
    fn add(&mut self, item: &Item, payload: &[&[u8]], intake: &mut Intake<'_>) -> Option<Reason> {
        match item {
            Item::Patient(patient, facts) => self.patient(*patient, *facts, payload, intake),
            Item::Admission(fields) => {
                self.facts.route_in = intake.cell(fields.route.at(payload), short_code);
                self.facts.emergency = intake.cell(fields.urgency.at(payload), emergency);
                self.facts.ambulance = intake.cell(fields.ambulance.at(payload), flag);
            }
            Item::Discharge(fields) => self.discharge(fields, payload, intake),
            Item::Size(fields) => {
                self.facts.height_cm = intake.cell(fields.height_cm.at(payload), cell::decimal);
                self.facts.weight_kg = intake.cell(fields.weight_kg.at(payload), cell::decimal);
            }
            Item::Smoking(fields) => {
                self.facts.smoking_index = intake.cell(fields.smoking_index.at(payload), cell::int);
            }
            Item::Adl(score, place) => put(&mut self.facts.adl, *place, intake.cell(score.at(payload), adl)),
            Item::Coma(score, place) => put(&mut self.facts.jcs, *place, intake.cell(score.at(payload), coma)),
            Item::Operation(fields) => match intake.cell(fields.k_code.at(payload), procedure_code) {
                Some(k_code) => {
                    let performed_on = intake.cell(fields.performed_on.at(payload), date::day);
                    self.procedures.push((k_code, performed_on));
                }
                None => return Some(Reason::NoCode),
            },
            Item::Diagnosis(icd10, role) => match intake.cell(icd10.at(payload), cell::icd10) {
                Some(icd10) => self.diagnoses.push((icd10, role)),
                None => return Some(Reason::NoCode),
            },
            Item::Coded(payloads) => {
                for (span, item) in payloads {
                    if let Some(value) = intake.cell(span.at(payload), short_code) {
                        self.coded.push((item.clone(), value));
                    }
                }
            }
            Item::Uncarried => intake.note(Reason::RecordUncarried),
        }
        None
    }

    fn patient(&mut self, patient: Patient, facts: PatientFacts, payload: &[&[u8]], intake: &mut Intake<'_>) {
        if std::mem::replace(&mut self.patient, true) {
            // A stay has one patient: a second line of them is counted, and the later one stands.
            intake.note(Reason::Duplicate);
        }
        self.birth = intake.identifier(patient.birth_date.at(payload), |digits| date::birth(digits.as_bytes()));
        self.sex = intake.identifier(patient.sex.at(payload), Sex::read);
        self.facts.sex = cell::cp932(facts.sex.at(payload)).as_deref().and_then(Sex::read).map(Sex::code);
        self.postcode = cell::cp932(patient.postcode.at(payload));
        if self.birth.is_some_and(|birth| birth.month > self.key.admitted_on) {
            intake.note(Reason::DateOrder);
            self.birth = None;
        }
    }

    fn discharge(&mut self, fields: &EndOfStay, payload: &[&[u8]], intake: &mut Intake<'_>) {
        let facts = &mut self.facts;
        let on = fields.discharge_date.at(payload);
        // Zeros: not discharged when the file was made.
        facts.discharged_on = if on == b"00000000" { None } else { intake.cell(on, date::day) };
        facts.discharge_to = intake.cell(fields.destination.at(payload), short_code);
        facts.outcome = intake.cell(fields.outcome.at(payload), Outcome::read);
        facts.died_within_24h = intake.cell(fields.died_within_24h.at(payload), |code| match code {
            b"0" => Some(false),
            b"1" | b"2" => Some(true),
            _ => None,
        });
        check_order(self.key.admitted_on, facts.discharged_on, None, intake);
    }

    /// Writes the stay and what belongs to it. Points and classification come from other files. A stay that the file has told
    /// already is counted: its lines do not stand together, and the first of them stand.
    fn write(mut self, told: &mut HashSet<u64>, intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
        let identity = Identity { birth: self.birth, sex: self.sex, ..self.key.identity() };
        self.facts.age = identity.born().and_then(|born| date::years(born, self.key.admitted_on));
        let main = self.diagnoses.iter().find(|(_, role)| *role == "main");
        self.facts.main_icd10 = main.map(|(icd10, _)| icd10.clone());
        let Some(owner) = self.key.resume(&identity, intake) else { return Ok(()) };
        if !told.insert(owner.record) {
            intake.note(Reason::Duplicate);
            return Ok(());
        }
        let left = self.facts.discharged_on;
        let died = self.facts.outcome.filter(|outcome| outcome.died()).and(left).map(date::first_of_month);
        let home = self.postcode.as_deref().and_then(home_of_postcode);
        intake.saw(owner, Sighting { on: Some(self.key.admitted_on), until: left, home, died });
        intake.saw_facility(&self.key.facility, None, true);
        let admitted_on = self.key.admitted_on.to_string();
        let key = [self.key.facility.as_bytes(), self.key.chart.as_bytes(), admitted_on.as_bytes()];
        let version = Version { key: Some(&key), content: &[&self.said], order: 0, together: false, withdraws: false };
        intake.register(owner, &version);
        intake.passed();
        intake.row(owner, &StayRow { stay_id: owner.record, ..self.facts.row() })?;
        self.parts(owner, intake)
    }

    fn parts(&self, owner: Owner, intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
        let stay_id = owner.record;
        let facility_code = Some(self.key.facility.as_str());
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
        Ok(())
    }
}

/// 0 is at admission, 1 at discharge.
fn put<T>(pair: &mut [Option<T>; 2], place: usize, value: Option<T>) {
    if let Some(known) = pair.get_mut(place) {
        *known = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_code_asks_for_stand_in_the_layout() {
        let layouts = crate::layout::shipped().unwrap();
        for (tag, names) in [
            Head::NAMES,
            Patient::NAMES,
            PatientFacts::NAMES,
            Admission::NAMES,
            EndOfStay::NAMES,
            Size::NAMES,
            Smoking::NAMES,
            Operation::NAMES,
        ] {
            let record = layouts["dpc-form1"].record(tag).unwrap();
            let missing: Vec<&&str> = names.iter().filter(|name| record.field(name).is_none()).collect();
            assert!(missing.is_empty(), "{tag}: {missing:?}");
        }
    }
}
