//! Rows of the tables of the health record.

use super::facts::Source;
use super::{Cell, Truth};
use crate::SyntheticError;
use crate::records::{Document, DocumentKind};
use crate::write::disease_number;

impl Truth {
    /// Adds what a document states.
    pub(super) fn document(&mut self, one: &Document, number: u64) -> Result<(), SyntheticError> {
        let facility = self.see(one.facility, |_| ());
        self.facts.see(Source::Ehr, one.issued_on);
        let prefecture = one.municipality.get(..2).unwrap_or_default();
        self.facts.place(Source::Ehr, one.issued_on, prefecture, Some(one.municipality));
        if let Some(death) = one.died_on {
            self.facts.died(Source::Ehr, death);
        }
        let kind = match one.kind {
            DocumentKind::Checkup => "checkup",
            DocumentKind::DischargeSummary => "discharge_summary",
            DocumentKind::Referral => "referral",
        };
        let head = [Cell::U64(one.person), Cell::U32(facility), Cell::U64(number)];
        let row: Vec<Cell<'_>> = head.iter().copied().chain([Cell::Text(kind), Cell::Date(one.issued_on)]).collect();
        self.row("ehr.documents", &row)?;
        self.conditions(one, head)?;
        self.observations(one, head)?;
        self.prescriptions(one, head)
    }

    fn conditions(&mut self, one: &Document, head: [Cell<'_>; 3]) -> Result<(), SyntheticError> {
        for condition in &one.conditions {
            let code = disease_number(condition.code);
            let rest = [
                Cell::Text(&code),
                Cell::text(catalog::codes::icd10_of_disease(condition.code)),
                Cell::Bool(condition.suspected),
                Cell::Text("active"),
                Cell::Bool(condition.undisclosed),
                Cell::Date(one.issued_on),
                Cell::Date(condition.onset_on),
                Cell::Null,
            ];
            let row: Vec<Cell<'_>> = head.iter().copied().chain(rest).collect();
            self.row("ehr.conditions", &row)?;
        }
        Ok(())
    }

    fn observations(&mut self, one: &Document, head: [Cell<'_>; 3]) -> Result<(), SyntheticError> {
        for observation in &one.observations {
            let (value, code) = match &observation.value {
                Ok(number) => (Cell::double(number.parse().ok()), Cell::Null),
                Err(positive) => (Cell::Null, Cell::Text(if *positive { "positive" } else { "negative" })),
            };
            let bound = |text: Option<&str>| Cell::double(text.and_then(|text| text.parse().ok()));
            let rest = [
                Cell::Text(match (observation.infection, one.kind) {
                    (true, _) => "infection",
                    (false, DocumentKind::Checkup) => "checkup",
                    (false, DocumentKind::DischargeSummary | DocumentKind::Referral) => "laboratory",
                }),
                Cell::Text("jlac10"),
                Cell::Date(observation.observed_on),
                Cell::Text(observation.jlac),
                value,
                code,
                Cell::Null,
                Cell::text(Some(observation.unit)),
                bound(observation.reference.map(|range| range.0)),
                bound(observation.reference.map(|range| range.1)),
                Cell::Text(observation.interpretation),
            ];
            let row: Vec<Cell<'_>> = head.iter().copied().chain(rest).collect();
            self.row("ehr.observations", &row)?;
        }
        Ok(())
    }

    fn prescriptions(&mut self, one: &Document, head: [Cell<'_>; 3]) -> Result<(), SyntheticError> {
        for allergy in &one.allergies {
            let (system, category, criticality) =
                if allergy.drug { ("yj", "medication", "high") } else { ("jfagy", "food", "low") };
            let rest = [
                Cell::Text(system),
                Cell::Text(allergy.code),
                Cell::Text(category),
                Cell::Text(criticality),
                Cell::Date(one.issued_on),
            ];
            let row: Vec<Cell<'_>> = head.iter().copied().chain(rest).collect();
            self.row("ehr.allergies", &row)?;
        }
        for medication in &one.medications {
            let Some(drug) = catalog::codes::drug(medication.drug) else { continue };
            let rest = [
                Cell::text(drug.yj),
                Cell::Bool(false),
                Cell::Date(medication.prescribed_on),
                Cell::Double(medication.dose),
                Cell::Double(medication.dose * f64::from(medication.days)),
                Cell::Int(medication.days),
            ];
            let row: Vec<Cell<'_>> = head.iter().copied().chain(rest).collect();
            self.row("ehr.medications", &row)?;
        }
        Ok(())
    }
}
