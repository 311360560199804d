//! The head of a receipt: who it belongs to (RE, HO, KO, SN), what it is about, how it stands to others of its key, and its row in
//! `ndb.claims`.

use jiff::civil::Date;

use super::body;
use super::buffer::{Line, Receipt};
use super::dialect::Dialect;
use super::institution::{FacilityCode, Institution};
use super::who;
use crate::atoms::{Owner, Sighting};
use crate::cell;
use crate::intake::{Intake, Version, home_of_insurer};
use crate::job::PseudonymizeError;
use crate::layout::Span;
use crate::normalise::date;
use crate::normalise::insurer::Insurer;
use crate::normalise::sex::Sex;
use crate::report::Reason;
use crate::rows::{ClaimRow, PublicExpenseRow};
use crate::tokens::Token;

/// Public payers of one receipt (formats.md 1).
const PUBLIC_MAX: usize = 4;

/// The records of the head.
pub(super) struct Head<'r> {
    pub(super) re: Line<'r>,
    ho: Option<Line<'r>>,
    ko: Vec<Line<'r>>,
    sn: Option<Line<'r>>,
    bu: Option<Line<'r>>,
}

impl<'r> Head<'r> {
    fn find(receipt: &'r Receipt, dialect: &Dialect, intake: &mut Intake<'_>) -> Option<Self> {
        let mut head = Self { re: receipt.first()?, ho: None, ko: Vec::new(), sn: None, bu: None };
        let mut more = false;
        for line in receipt.lines().skip(1) {
            match &line.tag {
                b"HO" if head.ho.is_some() => more = true,
                b"HO" => head.ho = Some(line),
                b"KO" if head.ko.len() >= PUBLIC_MAX => more = true,
                b"KO" => head.ko.push(line),
                // 1: the insurer; 2 to 5 are public payers, whose recipient numbers no token takes.
                b"SN" if line.cell(dialect.sn_who.payer_kind) == b"1" => head.sn = Some(line),
                b"BU" => head.bu = Some(line),
                _ => {}
            }
        }
        if more {
            intake.note(Reason::RecordOrder);
        }
        Some(head)
    }

    /// A cell of HO.
    pub(super) fn ho_cell(&self, field: Span) -> &'r [u8] {
        cell_of(self.ho, field)
    }

    /// A cell of the insurer's SN.
    pub(super) fn sn_cell(&self, field: Span) -> &'r [u8] {
        cell_of(self.sn, field)
    }
}

fn cell_of(line: Option<Line<'_>>, field: Span) -> &[u8] {
    line.map_or(&[], |line| line.cell(field))
}

/// A receipt whose head was read.
pub(super) struct Claim<'r> {
    pub(super) owner: Owner,
    pub(super) dialect: &'r Dialect,
    pub(super) month: Date,
    institution: &'r Institution,
    receipt: &'r Receipt,
    /// The person in the key of a correction.
    person: Token,
    kind: &'r str,
    facts: Facts<'r>,
    public: Vec<Public>,
    died: bool,
    beds: Option<i32>,
}

struct Facts<'r> {
    inpatient: bool,
    department: Option<&'r str>,
    insurer: Option<Insurer>,
    prescriber: Option<FacilityCode>,
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

/// Reads the head. Nothing if the person stays out; the reason why the whole receipt must be put aside, if so.
pub(super) fn read<'r>(
    receipt: &'r Receipt,
    institution: &'r Institution,
    dialect: &'r Dialect,
    intake: &mut Intake<'_>,
) -> Result<Option<Claim<'r>>, Reason> {
    let Some(head) = Head::find(receipt, dialect, intake) else { return Ok(None) };
    let fields = &dialect.re;
    let kind = cell::digits(head.re.cell(fields.receipt_type), 4).ok_or(Reason::RecordForm)?;
    let month = date::month(head.re.cell(fields.treatment_month)).ok_or(Reason::NoDate)?;
    // 総括 and 明細 of one DPC receipt repeat each other's points.
    let grouped = !head.re.cell(fields.receipt_group).is_empty();
    if kind.as_bytes().first() != Some(&dialect.fee) || grouped {
        return Err(Reason::ReceiptKind);
    }
    let identity = who::identity(&head, dialect, month, institution, intake);
    let public: Vec<Public> = head.ko.iter().map(|ko| public(*ko, dialect, intake)).collect();
    let facts = facts(&head, dialect, (kind, month), public.first(), intake);
    plausible(facts.days.filter(|_| fields_count_days(dialect)), month, institution, intake);
    let Some(owner) = intake.begin(&identity) else { return Ok(None) };
    let beds = intake.cell(head.re.cell(fields.bed_count), cell::int).filter(|beds| *beds > 0);
    let died = matches!(cell_of(head.bu, dialect.bu.outcome), b"6" | b"7");
    let person = intake.keys.digest(&identity);
    Ok(Some(Claim { owner, dialect, month, institution, receipt, person, kind, facts, public, died, beds }))
}

/// 調剤 counts prescriptions where the others count days.
fn fields_count_days(dialect: &Dialect) -> bool {
    dialect.ho.actual_days.is_open()
}

fn plausible(days: Option<i32>, month: Date, institution: &Institution, intake: &mut Intake<'_>) {
    let long = days.is_some_and(|days| days > i32::from(month.days_in_month()));
    let early = institution.claimed.is_some_and(|claimed| claimed < month);
    if long || early {
        intake.note(Reason::CellImplausible);
    }
}

fn facts<'r>(
    head: &Head<'r>,
    dialect: &Dialect,
    (kind, month): (&str, Date),
    first_public: Option<&Public>,
    intake: &mut Intake<'_>,
) -> Facts<'r> {
    let (fields, ho) = (&dialect.re, &dialect.ho);
    let re = |field| head.re.cell(field);
    let (points, days) = match (head.ho, first_public) {
        (None, public) => (public.and_then(|public| public.points), public.and_then(|public| public.days)),
        (Some(line), _) => {
            (intake.cell(line.cell(ho.total_points), cell::int), count(line, (ho.actual_days, ho.rx_count), intake))
        }
    };
    let admitted = match re(fields.admission_date) {
        b"" => cell_of(head.bu, dialect.bu.admission_date),
        admitted => admitted,
    };
    let birth = date::birth(re(fields.birth_date)).filter(|birth| who::is_possible(*birth, month));
    // What cannot be read here was counted with the identifiers.
    let insurer = match head.sn_cell(dialect.sn.verified_insurer_no) {
        b"" => head.ho_cell(ho.insurer_no),
        verified => verified,
    };
    Facts {
        inpatient: kind.ends_with(['1', '3', '5', '7', '9']),
        department: intake.cell(re(fields.dept_1), |cell| cell::digits(cell, 2)),
        insurer: cell::cp932(insurer).and_then(|written| Insurer::read(&written)),
        prescriber: FacilityCode::read(re(fields.rx_pref), re(fields.rx_fee_table), re(fields.rx_facility_code)),
        admitted_on: intake.cell(admitted, date::day),
        points,
        days,
        copay: intake.cell(head.ho_cell(ho.copay_amount), cell::int),
        age: birth.and_then(|birth| birth.day).map(|born| date::years(born, month).unwrap_or(0)),
        sex: std::str::from_utf8(re(fields.sex)).ok().and_then(Sex::read),
    }
}

fn count(line: Line<'_>, (days, prescriptions): (Span, Span), intake: &mut Intake<'_>) -> Option<i32> {
    intake.cell(line.cell(if days.is_open() { days } else { prescriptions }), cell::int)
}

fn public(ko: Line<'_>, dialect: &Dialect, intake: &mut Intake<'_>) -> Public {
    let fields = &dialect.ko;
    let payer = intake.identifier(ko.cell(fields.public_payer_no), Insurer::read);
    Public {
        law_code: payer.and_then(|payer| payer.digits().get(..2).map(str::to_owned)),
        days: count(ko, (fields.actual_days, fields.rx_count), intake),
        points: intake.cell(ko.cell(fields.total_points), cell::int),
    }
}

impl Claim<'_> {
    /// The institution's code.
    pub(super) fn facility(&self) -> &str {
        self.institution.code.as_str()
    }

    /// Says that the receipt was returned: it and the earlier ones of its key are gone, and nothing of it is written.
    pub(super) fn withdraw(&self, intake: &mut Intake<'_>) {
        self.register(true, intake);
        intake.passed();
    }

    /// Writes all rows.
    pub(super) fn write(&self, intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
        self.register(false, intake);
        let home = home_of_insurer(self.facts.insurer.as_ref());
        let died = self.died.then_some(self.month);
        intake.saw(self.owner, Sighting { on: Some(self.month), until: None, home, died });
        intake.saw_facility(self.facility(), self.beds, false);
        self.write_head(intake)?;
        self.write_public(intake)?;
        body::write(self.receipt, self, intake)?;
        intake.passed();
        Ok(())
    }

    /// Same institution, month, kind, person and prescriber: the same receipt; a later claim month corrects it.
    fn register(&self, withdraws: bool, intake: &mut Intake<'_>) {
        let Some(re) = self.receipt.first() else { return };
        let month = months(self.month).to_be_bytes();
        let prescriber = self.facts.prescriber.as_ref().map_or("", FacilityCode::as_str);
        let key = [self.facility().as_bytes(), &month, self.kind.as_bytes(), &self.person, prescriber.as_bytes()];
        let mut content = Vec::with_capacity(self.dialect.compared.len().saturating_add(2));
        content.push(self.facility().as_bytes());
        content.extend(self.dialect.compared.iter().map(|(from, to)| re.between(*from, *to)));
        content.push(self.receipt.rest());
        let order = months(self.institution.claimed.unwrap_or(self.month));
        let version = Version { key: Some(&key), content: &content, order, together: true, withdraws };
        intake.register(self.owner, &version);
    }

    fn write_head(&self, intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
        let facts = &self.facts;
        let place = self.institution.place.as_ref();
        let insurer_type = match (&facts.insurer, self.public.is_empty()) {
            (Some(insurer), _) => insurer.kind(),
            (None, false) => "public_only",
            (None, true) => "other",
        };
        let row = ClaimRow {
            claim_id: self.owner.record,
            service_month: Some(self.month),
            facility_code: Some(self.facility()),
            facility_medical_area: place.and_then(|place| place.medical_area),
            prefecture: place.map(|place| place.prefecture.clone()),
            residence_medical_area: None,
            claim_type: Some(self.dialect.claim_type),
            setting: Some(if facts.inpatient { "inpatient" } else { "outpatient" }),
            department: facts.department,
            insurer_type: Some(insurer_type),
            insurer_code: facts.insurer.as_ref().map(Insurer::digits),
            prescriber_facility_code: facts.prescriber.as_ref().map(FacilityCode::as_str),
            admitted_on: facts.admitted_on,
            points: facts.points,
            days: facts.days,
            copay: facts.copay,
            age: facts.age,
            sex: facts.sex.map(Sex::code),
        };
        intake.row(self.owner, &row)?;
        if let Some(prescriber) = &facts.prescriber {
            intake.saw_facility(prescriber.as_str(), None, false);
        }
        Ok(())
    }

    fn write_public(&self, intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
        for public in &self.public {
            let row = PublicExpenseRow {
                claim_id: self.owner.record,
                law_code: public.law_code.as_deref(),
                days: public.days,
                points: public.points,
                facility_code: Some(self.facility()),
            };
            intake.row(self.owner, &row)?;
        }
        Ok(())
    }
}

/// Months as a number that grows with time.
fn months(month: Date) -> i64 {
    i64::from(month.year()).saturating_mul(12).saturating_add(i64::from(month.month()))
}
