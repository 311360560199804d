//! The resources that have a table: built anew from known paths, known code systems, known forms of codes.

use serde_json::Value;

use super::bundle::{Bundle, Kind, is_undisclosed};
use super::json::{at, codings, day, list, number, text, word};
use super::patient::institution;
use crate::cell;
use crate::intake::Intake;
use crate::job::PseudonymizeError;
use crate::report::Reason;
use crate::rows::{AllergyRow, ConditionRow, MedicationRow, ObservationRow};

/// 修飾語 of a suspected diagnosis, in the receipt master and in MEDIS's.
const SUSPECTED: &str = "8002";

/// Writes a resource's row, if it has one; other kinds of resources are counted and dropped.
pub(super) fn write(resource: &Value, bundle: &Bundle, intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
    let own = institution(resource);
    let facility = own.as_deref().unwrap_or(&bundle.facility);
    if own.is_some() {
        intake.saw_facility(facility, None, false);
    }
    let known = match text(resource, "resourceType") {
        Some("AllergyIntolerance") => allergy(resource, bundle, facility, intake)?,
        Some("Condition") => condition(resource, bundle, facility, intake)?,
        Some("MedicationRequest") => medication(resource, bundle, facility, intake)?,
        Some("Observation") => observation(resource, bundle, facility, intake)?,
        Some("Patient" | "Composition" | "Coverage" | "Organization" | "Practitioner" | "Encounter") => true,
        _ => false,
    };
    if !known {
        intake.note(Reason::PartUnknown);
    }
    Ok(())
}

/// Whether the resource was written; one without a known code is not.
type Written = Result<bool, PseudonymizeError>;

fn condition(resource: &Value, bundle: &Bundle, facility: &str, intake: &mut Intake<'_>) -> Written {
    let code = |end: &str, width: usize| {
        codings(resource, "code").find_map(|(system, code)| {
            cell::digits(code.as_bytes(), width).filter(|_| system.to_ascii_lowercase().contains(end))
        })
    };
    let receipt = code("masterb", 7);
    let disease_code = code("master-disease-keynumber", 8).or(receipt);
    let stated = codings(resource, "code").find_map(|(system, code)| {
        cell::icd10(code.as_bytes())
            .filter(|_| system.to_ascii_uppercase().contains("ICD10") || system.ends_with("icd-10"))
    });
    let icd10 = stated.as_deref().or_else(|| receipt.and_then(catalog::codes::icd10_of_disease));
    if disease_code.is_none() && icd10.is_none() {
        return Ok(false);
    }
    let row = ConditionRow {
        facility_code: Some(facility),
        document_id: bundle.id,
        disease_code,
        icd10,
        suspected: Some(is_suspected(resource)),
        clinical_status: word(
            text(resource, "clinicalStatus.coding.0.code"),
            &["active", "inactive", "recurrence", "relapse", "remission", "resolved"],
        ),
        undisclosed: Some(bundle.undisclosed || is_undisclosed(resource)),
        recorded_on: day(resource, "recordedDate"),
        onset_on: day(resource, "onsetDateTime"),
        abated_on: day(resource, "abatementDateTime"),
    };
    intake.row(bundle.owner, &row)?;
    Ok(true)
}

/// A modifier says so, or the state of verification.
fn is_suspected(resource: &Value) -> bool {
    let modifiers = [list(resource, "extension"), list(resource, "code.extension")];
    modifiers
        .into_iter()
        .flatten()
        .flat_map(|extension| codings(extension, "valueCodeableConcept"))
        .chain(codings(resource, "code"))
        .any(|(_, code)| code == SUSPECTED)
        || matches!(
            text(resource, "verificationStatus.coding.0.code"),
            Some("provisional" | "differential" | "unconfirmed")
        )
}

fn observation(resource: &Value, bundle: &Bundle, facility: &str, intake: &mut Intake<'_>) -> Written {
    let jlac = codings(resource, "code").find_map(|(system, code)| {
        let code = cell::code(code.as_bytes(), 17)?;
        Some((jlac_of(system)?, code, system))
    });
    let Some((code_system, jlac, system)) = jlac else { return Ok(false) };
    let infection = system.contains("Infection")
        || list(resource, "category")
            .flat_map(|one| list(one, "coding"))
            .any(|one| text(one, "code").is_some_and(|code| code.to_ascii_lowercase().contains("infection")));
    let category = match (bundle.kind, infection) {
        (_, true) => "infection",
        (Kind::Checkup, false) => "checkup",
        (_, false) => "laboratory",
    };
    let quantity = at(resource, "valueQuantity");
    let value_code = text(resource, "valueCodeableConcept.coding.0.code").and_then(result_code);
    let interpretation = text(resource, "interpretation.0.coding.0.code");
    let row = ObservationRow {
        facility_code: Some(facility),
        document_id: bundle.id,
        category: Some(category),
        code_system: Some(code_system),
        observed_on: day(resource, "effectiveDateTime").or_else(|| day(resource, "effectivePeriod.start")),
        jlac: Some(jlac),
        value: quantity.and_then(|one| number(one, "value")).or_else(|| number(resource, "valueInteger")),
        value_code,
        comparator: word(quantity.and_then(|one| text(one, "comparator")), &["<", "<=", ">=", ">"]),
        unit: quantity.and_then(|one| text(one, "unit").or_else(|| text(one, "code"))).filter(|unit| is_unit(unit)),
        reference_low: number(resource, "referenceRange.0.low.value"),
        reference_high: number(resource, "referenceRange.0.high.value"),
        interpretation: word(interpretation, &["A", "AA", "H", "HH", "HU", "IND", "L", "LL", "LU", "N", "NEG", "POS"]),
    };
    intake.row(bundle.owner, &row)?;
    Ok(true)
}

fn jlac_of(system: &str) -> Option<&'static str> {
    let upper = system.to_ascii_uppercase();
    let ten = upper.contains("JLAC10")
        || system.ends_with("1.2.392.200119.4.504")
        || system.ends_with("1.2.392.200119.6.1005");
    match (upper.contains("JLAC11"), ten) {
        (true, _) => Some("jlac11"),
        (false, true) => Some("jlac10"),
        (false, false) => None,
    }
}

/// A coded result: words for positive and negative, otherwise a short code.
fn result_code(code: &str) -> Option<&str> {
    match code {
        "POS" | "pos" | "+" | "10828004" => Some("positive"),
        "NEG" | "neg" | "-" | "260385009" => Some("negative"),
        code => {
            let fits =
                code.len() <= 10 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-".contains(&byte));
            Some(code).filter(|_| fits && !code.is_empty())
        }
    }
}

/// Half-width letters, digits and signs of units; a text is none.
fn is_unit(unit: &str) -> bool {
    let sign = |letter: char| {
        letter.is_ascii_alphanumeric() || "/%.*^[](){}_'+-".contains(letter) || matches!(letter, 'μ' | 'µ' | '℃')
    };
    (1..=20).contains(&unit.chars().count()) && unit.chars().all(sign)
}

fn allergy(resource: &Value, bundle: &Bundle, facility: &str, intake: &mut Intake<'_>) -> Written {
    let known = codings(resource, "code").find_map(|(system, code)| {
        let code = cell::code(code.as_bytes(), 12)?;
        let system = if is_yj(system) {
            "yj"
        } else if system.to_ascii_lowercase().contains("jfagy") {
            "jfagy"
        } else {
            return None;
        };
        Some((system, code))
    });
    let Some((code_system, code)) = known else { return Ok(false) };
    let row = AllergyRow {
        facility_code: Some(facility),
        document_id: bundle.id,
        code_system: Some(code_system),
        code: Some(code),
        category: word(text(resource, "category.0"), &["biologic", "environment", "food", "medication"]),
        criticality: word(text(resource, "criticality"), &["high", "low", "unable-to-assess"]),
        recorded_on: day(resource, "recordedDate"),
    };
    intake.row(bundle.owner, &row)?;
    Ok(true)
}

fn medication(resource: &Value, bundle: &Bundle, facility: &str, intake: &mut Intake<'_>) -> Written {
    let concept = "medicationCodeableConcept";
    let yj_code =
        codings(resource, concept).find_map(|(system, code)| cell::code(code.as_bytes(), 12).filter(|_| is_yj(system)));
    let generic = codings(resource, concept)
        .any(|(system, _)| system.ends_with("1.2.392.100495.20.2.81") || system.contains("generalOrderName"));
    if yj_code.is_none() && !generic {
        return Ok(false);
    }
    let days = number(resource, "dispenseRequest.expectedSupplyDuration.value");
    let row = MedicationRow {
        facility_code: Some(facility),
        document_id: bundle.id,
        yj_code,
        generic: Some(generic),
        prescribed_on: day(resource, "authoredOn"),
        dose: number(resource, "dosageInstruction.0.doseAndRate.0.doseQuantity.value"),
        quantity: number(resource, "dispenseRequest.quantity.value"),
        days: days.and_then(|days| cell::int(days.to_string().as_bytes())),
    };
    intake.row(bundle.owner, &row)?;
    Ok(true)
}

fn is_yj(system: &str) -> bool {
    system.ends_with("1.2.392.100495.20.2.73") || system.ends_with("/YJ-code")
}
