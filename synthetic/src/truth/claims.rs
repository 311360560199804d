//! Rows of the NDB claim tables.

use super::facts::Source;
use super::{Cell, Truth};
use crate::SyntheticError;
use crate::facilities::Facilities;
use crate::places;
use crate::population::Scheme;
use crate::records::{Bundle, Claim, Covered, Diagnosis, Drug, Form, Item, Material, Prescription, Procedure};

impl Truth {
    /// Adds what a claim states.
    pub(super) fn claim(&mut self, claim: &Claim, number: u64, facilities: &Facilities) -> Result<(), SyntheticError> {
        let Some(facility) = facilities.at(claim.facility) else { return Ok(()) };
        let beds = i32::try_from(facility.beds).ok().filter(|beds| *beds > 0);
        let facility_id = self.see(claim.facility, |seen| seen.beds = seen.beds.max(beds));
        let on = claim.month.first();
        self.facts.see(Source::Ndb, on);
        if let Some(prefecture) = insured_in(claim) {
            self.facts.place(Source::Ndb, on, prefecture, None);
        }
        if says_death(claim) {
            self.facts.died(Source::Ndb, on);
        }
        let prescriber = match &claim.form {
            Form::Pharmacy(one) => Cell::U32(self.see(one.prescriber, |_| ())),
            Form::Dental(_) | Form::Dpc(_) | Form::Medical => Cell::Null,
        };
        let row = [
            Cell::U64(claim.person),
            Cell::U64(number),
            Cell::Date(on),
            Cell::U32(facility_id),
            Cell::Text(facility.prefecture()),
            Cell::text(self.medical_area(claim.facility)),
            Cell::Null,
            Cell::Text(claim_type(claim)),
            Cell::Text(if claim.inpatient { "inpatient" } else { "outpatient" }),
            Cell::text(claim.department),
            Cell::Text(insurer_type(claim)),
            insurer_id(claim),
            prescriber,
            Cell::date(claim.admitted_on),
            Cell::Int(claim.points),
            Cell::int(i32::try_from(claim.visits.len()).ok()),
            Cell::int(claim.copay),
            Cell::Int(claim.age),
            Cell::Text(if claim.sex == 1 { "1" } else { "2" }),
        ];
        self.row("ndb.claims", &row)?;
        self.claim_parts(claim, number)
    }

    fn claim_parts(&mut self, claim: &Claim, number: u64) -> Result<(), SyntheticError> {
        if let Some(public) = &claim.public {
            let row = [
                Cell::U64(claim.person),
                Cell::U64(number),
                Cell::text(public.payer.get(..2)),
                Cell::int(i32::try_from(claim.visits.len()).ok()),
                Cell::Int(claim.points),
            ];
            self.row("ndb.public_expenses", &row)?;
        }
        for diagnosis in &claim.diagnoses {
            self.diagnosis(claim, number, diagnosis)?;
        }
        match &claim.form {
            Form::Dpc(bundle) => self.bundle(claim, number, bundle)?,
            Form::Dental(_) | Form::Medical => {}
            Form::Pharmacy(one) => self.prescription(claim, number, one)?,
        }
        for item in &claim.items {
            match item {
                Item::Comment(_) => {}
                Item::Drug(one) => self.drug(claim, number, one)?,
                Item::Material(one) => self.material(claim, number, one)?,
                Item::Procedure(one) => self.procedure(claim, number, one)?,
            }
        }
        Ok(())
    }

    fn diagnosis(&mut self, claim: &Claim, number: u64, one: &Diagnosis) -> Result<(), SyntheticError> {
        let outcome = one.outcome.to_string();
        let row = [
            Cell::U64(claim.person),
            Cell::U64(number),
            Cell::Text(one.code),
            Cell::text(catalog::codes::icd10_of_disease(one.code)),
            Cell::text(Some(one.modifiers)),
            Cell::Bool(one.modifiers.contains("8002")),
            Cell::Bool(one.main),
            Cell::Date(one.start),
            Cell::Text(&outcome),
        ];
        self.row("ndb.diagnoses", &row)
    }

    /// Diagnoses of a DPC claim: one row a SB record, which has neither a start nor an outcome.
    fn bundle(&mut self, claim: &Claim, number: u64, bundle: &Bundle) -> Result<(), SyntheticError> {
        for (code, role) in &bundle.diseases {
            let row = [
                Cell::U64(claim.person),
                Cell::U64(number),
                Cell::Text(code),
                Cell::text(catalog::codes::icd10_of_disease(code)),
                Cell::Null,
                Cell::Bool(false),
                Cell::Bool(*role == "11"),
                Cell::Null,
                Cell::Null,
            ];
            self.row("ndb.diagnoses", &row)?;
        }
        for one in &bundle.covered {
            self.covered(claim, number, one)?;
        }
        Ok(())
    }

    /// Care that the daily payment covers, one row a CD record; it has no points.
    fn covered(&mut self, claim: &Claim, number: u64, one: &Covered) -> Result<(), SyntheticError> {
        let head = [Cell::U64(claim.person), Cell::U64(number), Cell::Text(one.section), Cell::Text(one.code)];
        let Some(dose) = one.dose else {
            let rest = [Cell::Null, Cell::Int(1), Cell::Date(one.on)];
            let row: Vec<Cell<'_>> = head.into_iter().chain(rest).collect();
            return self.row("ndb.procedures", &row);
        };
        let known = catalog::codes::drug(one.code);
        let rest = [
            Cell::text(known.and_then(|drug| drug.yj)),
            Cell::text(known.and_then(|drug| drug.route)),
            Cell::Double(dose),
            Cell::text(known.and_then(|drug| drug.unit)),
            Cell::Int(1),
            Cell::Null,
            Cell::Date(one.on),
            Cell::Date(one.on),
        ];
        let row: Vec<Cell<'_>> = head.into_iter().chain(rest).collect();
        self.row("ndb.drugs", &row)
    }

    /// Drugs of a pharmacy's claim: one row an IY record, with the quantity of the CZ record above it.
    fn prescription(&mut self, claim: &Claim, number: u64, one: &Prescription) -> Result<(), SyntheticError> {
        for group in &one.groups {
            for (code, dose) in &group.drugs {
                let known = catalog::codes::drug(code);
                let row = [
                    Cell::U64(claim.person),
                    Cell::U64(number),
                    Cell::Null,
                    Cell::Text(code),
                    Cell::text(known.and_then(|drug| drug.yj)),
                    Cell::text(known.and_then(|drug| drug.route)),
                    Cell::Double(*dose),
                    Cell::text(known.and_then(|drug| drug.unit)),
                    Cell::Int(group.quantity),
                    Cell::int((group.form == 1).then_some(group.quantity)),
                    Cell::Date(one.prescribed_on),
                    Cell::Date(one.dispensed_on),
                ];
                self.row("ndb.drugs", &row)?;
            }
        }
        Ok(())
    }

    fn procedure(&mut self, claim: &Claim, number: u64, one: &Procedure) -> Result<(), SyntheticError> {
        let row = [
            Cell::U64(claim.person),
            Cell::U64(number),
            Cell::Text(one.section),
            Cell::Text(one.code),
            Cell::int(one.points),
            Cell::Int(one.times),
            Cell::date(one.days.iter().min().map(|day| claim.month.day(*day))),
        ];
        self.row("ndb.procedures", &row)
    }

    fn drug(&mut self, claim: &Claim, number: u64, one: &Drug) -> Result<(), SyntheticError> {
        let known = catalog::codes::drug(one.code);
        let on = claim.month.day(one.day);
        let row = [
            Cell::U64(claim.person),
            Cell::U64(number),
            Cell::Text(one.section),
            Cell::Text(one.code),
            Cell::text(known.and_then(|drug| drug.yj)),
            Cell::text(known.and_then(|drug| drug.route)),
            Cell::Double(one.dose),
            Cell::text(known.and_then(|drug| drug.unit)),
            Cell::Int(one.times),
            Cell::int((one.section == "21").then_some(one.times)),
            Cell::Date(on),
            Cell::Date(on),
        ];
        self.row("ndb.drugs", &row)
    }

    fn material(&mut self, claim: &Claim, number: u64, one: &Material) -> Result<(), SyntheticError> {
        let row = [
            Cell::U64(claim.person),
            Cell::U64(number),
            Cell::Text(one.code),
            Cell::Double(one.quantity),
            Cell::Int(1),
            Cell::Date(claim.month.day(one.day)),
        ];
        self.row("ndb.materials", &row)
    }
}

/// The prefecture that the insurer's number tells: national scheme and late elderly only.
fn insured_in(claim: &Claim) -> Option<&'static str> {
    matches!(claim.cover.scheme, Scheme::LateElderly | Scheme::National).then_some(())?;
    let wanted = claim.cover.insurer.get(2..4)?;
    places::all().iter().map(places::Municipality::prefecture).find(|code| *code == wanted)
}

/// A diagnosis ended by death, or a DPC stay did (outcomes 6 and 7).
fn says_death(claim: &Claim) -> bool {
    let bundle = match &claim.form {
        Form::Dpc(bundle) => bundle.outcome,
        Form::Dental(_) | Form::Medical | Form::Pharmacy(_) => None,
    };
    matches!(bundle, Some(6 | 7)) || claim.diagnoses.iter().any(|diagnosis| diagnosis.outcome == 3)
}

fn claim_type(claim: &Claim) -> &'static str {
    match claim.form {
        Form::Dental(_) => "dental",
        Form::Dpc(_) => "dpc",
        Form::Medical => "medical",
        Form::Pharmacy(_) => "pharmacy",
    }
}

fn insurer_type(claim: &Claim) -> &'static str {
    match claim.cover.scheme {
        Scheme::Assistance => "public_only",
        Scheme::Kyokai => "kyokai",
        Scheme::LateElderly => "late_elderly",
        Scheme::Mutual => "mutual",
        Scheme::National => "national",
        Scheme::Union => "union",
    }
}

/// The surrogate of an insurer: its number.
fn insurer_id(claim: &Claim) -> Cell<'static> {
    match claim.cover.scheme {
        Scheme::Assistance => Cell::Null,
        Scheme::Kyokai | Scheme::LateElderly | Scheme::Mutual | Scheme::National | Scheme::Union => {
            claim.cover.insurer.parse().map_or(Cell::Null, Cell::U32)
        }
    }
}
