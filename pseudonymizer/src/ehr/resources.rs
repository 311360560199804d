//! The resources that have a table: rows of what their views hold, with known forms of codes.

use super::bundle::{Bundle, is_undisclosed};
use super::patient::institution_stated;
use super::rebuild::Resource;
use super::sections::Section;
use super::view::View;
use crate::cell;
use crate::intake::Intake;
use crate::job::PseudonymizeError;
use crate::report::Reason;
use crate::rows::{AllergyRow, ConditionRow, MedicationRow, ObservationRow};

/// 修飾語 of a suspected diagnosis, in the receipt master and in MEDIS's.
const SUSPECTED: &str = "8002";

/// Writes a resource's row, if it has one; what has no known code is counted and dropped.
pub(super) fn write(
    resource: &Resource<'_>,
    bundle: &Bundle,
    intake: &mut Intake<'_>,
) -> Result<(), PseudonymizeError> {
    let known: fn(&View<'_>, Place<'_>, &mut Intake<'_>) -> Written = match resource.kind {
        "AllergyIntolerance" => allergy,
        "Condition" => condition,
        "MedicationRequest" => medication,
        "Observation" => observation,
        _ => return Ok(()),
    };
    let section = bundle.sections.section(resource.link);
    match section {
        Section::Family => {
            intake.note(Reason::RecordUncarried);
            return Ok(());
        }
        Section::Unknown => {
            intake.note(Reason::PartUnknown);
            return Ok(());
        }
        Section::Infection | Section::Plain => {}
    }
    let content = &resource.views.content;
    let own = institution_stated(content);
    if let Some(own) = own {
        intake.saw_facility(own, None, false);
    }
    let facility = own.unwrap_or(&bundle.facility);
    if !known(content, Place { bundle, facility, section }, intake)? {
        intake.note(Reason::NoCode);
    }
    Ok(())
}

/// Where a resource stands.
#[derive(Clone, Copy)]
struct Place<'b> {
    bundle: &'b Bundle,
    facility: &'b str,
    section: Section,
}

/// Whether the resource was written; one without a known code is not.
type Written = Result<bool, PseudonymizeError>;

fn condition(resource: &View<'_>, place: Place<'_>, intake: &mut Intake<'_>) -> Written {
    let code = |system: &str, width: usize| {
        let mut codes = resource.codings("code").filter(|(own, _)| *own == system);
        codes.find_map(|(_, code)| cell::digits(code.as_bytes(), width))
    };
    let receipt = code("receipt", 7);
    let disease_code = code("key", 8).or(receipt);
    let mut stated = resource.codings("code").filter(|(system, _)| *system == "icd10");
    let stated = stated.find_map(|(_, code)| cell::icd10(code.as_bytes()));
    let icd10 = stated.as_deref().or_else(|| receipt.and_then(catalog::codes::icd10_of_disease));
    if disease_code.is_none() && icd10.is_none() {
        return Ok(false);
    }
    let row = ConditionRow {
        facility_code: Some(place.facility),
        document_id: place.bundle.id,
        disease_code,
        icd10,
        suspected: Some(is_suspected(resource)),
        clinical_status: first(resource, "clinicalStatus"),
        undisclosed: Some(place.bundle.undisclosed || is_undisclosed(resource)),
        recorded_on: resource.day("recordedDate"),
        onset_on: resource.day("onsetDateTime"),
        abated_on: resource.day("abatementDateTime"),
    };
    intake.row(place.bundle.owner, &row)?;
    Ok(true)
}

/// The first listed code of a concept.
fn first<'r>(resource: &'r View<'_>, concept: &str) -> Option<&'r str> {
    resource.list(concept).flat_map(|one| one.list("coding")).find_map(|coding| coding.text("code"))
}

/// A modifier says so, or the state of verification.
fn is_suspected(resource: &View<'_>) -> bool {
    resource
        .list("extension")
        .chain(resource.list("code.extension"))
        .flat_map(|extension| extension.codings("valueCodeableConcept"))
        .chain(resource.codings("code"))
        .any(|(system, code)| system == "modifier" && code == SUSPECTED)
        || first(resource, "verificationStatus") == Some("suspected")
}

fn observation(resource: &View<'_>, place: Place<'_>, intake: &mut Intake<'_>) -> Written {
    let jlac = resource.codings("code").find_map(|(system, code)| {
        let code = cell::code(code.as_bytes(), 17)?;
        let (code_system, infection) = match system {
            "infection10" => ("jlac10", true),
            "infection11" => ("jlac11", true),
            "jlac10" => ("jlac10", false),
            "jlac11" => ("jlac11", false),
            _ => return None,
        };
        Some((code_system, infection, code))
    });
    let Some((code_system, infection, jlac)) = jlac else { return Ok(false) };
    let infection = infection || place.section == Section::Infection || first(resource, "category").is_some();
    let category = match (place.bundle.kind, infection) {
        (_, true) => "infection",
        (Some("checkup"), false) => "checkup",
        (_, false) => "laboratory",
    };
    let quantity = resource.at("valueQuantity");
    let mut value_codes = resource.codings("valueCodeableConcept");
    let row = ObservationRow {
        facility_code: Some(place.facility),
        document_id: place.bundle.id,
        category: Some(category),
        code_system: Some(code_system),
        observed_on: resource.day("effectiveDateTime").or_else(|| resource.day("effectivePeriod.start")),
        jlac: Some(jlac),
        value: quantity.number("value").or_else(|| resource.number("valueInteger")),
        value_code: value_codes.find_map(|(_, code)| result_code(code)),
        comparator: quantity.text("comparator"),
        unit: quantity.text("unit").or_else(|| quantity.text("code")),
        reference_low: resource.number("referenceRange.0.low.value"),
        reference_high: resource.number("referenceRange.0.high.value"),
        interpretation: first(resource, "interpretation"),
    };
    intake.row(place.bundle.owner, &row)?;
    Ok(true)
}

/// A coded result: words for positive and negative, otherwise a short code.
fn result_code(code: &str) -> Option<&str> {
    match code {
        "POS" | "pos" | "+" | "10828004" => Some("positive"),
        "NEG" | "neg" | "-" | "260385009" => Some("negative"),
        code => Some(code).filter(|code| code.len() <= 10),
    }
}

fn allergy(resource: &View<'_>, place: Place<'_>, intake: &mut Intake<'_>) -> Written {
    let mut known = resource.codings("code");
    // 12 characters; JFAGY's drugs have those of a general name behind `GCM`.
    let widths = |system: &str| if system == "jfagy" { &[12, 15][..] } else { &[12] };
    let fits = |(system, code)| widths(system).iter().find_map(|width| cell::code(str::as_bytes(code), *width));
    let known = known.find_map(|coding: (&str, &str)| Some((coding.0, fits(coding)?)));
    let Some((code_system, code)) = known else { return Ok(false) };
    let row = AllergyRow {
        facility_code: Some(place.facility),
        document_id: place.bundle.id,
        code_system: Some(code_system),
        code: Some(code),
        category: resource.list("category").find_map(View::word),
        criticality: resource.text("criticality"),
        recorded_on: resource.day("recordedDate"),
    };
    intake.row(place.bundle.owner, &row)?;
    Ok(true)
}

fn medication(resource: &View<'_>, place: Place<'_>, intake: &mut Intake<'_>) -> Written {
    let coded = |wanted: &str| {
        let mut codes = resource.codings("medicationCodeableConcept").filter(|(system, _)| *system == wanted);
        codes.find_map(|(_, code)| cell::code(code.as_bytes(), 12))
    };
    let yj_code = coded("yj");
    let generic = resource.codings("medicationCodeableConcept").any(|(system, _)| system == "general");
    if yj_code.is_none() && !generic {
        return Ok(false);
    }
    let days = resource.number("dispenseRequest.expectedSupplyDuration.value");
    let row = MedicationRow {
        facility_code: Some(place.facility),
        document_id: place.bundle.id,
        yj_code,
        generic: Some(generic),
        prescribed_on: resource.day("authoredOn"),
        dose: resource.number("dosageInstruction.0.doseAndRate.0.doseQuantity.value"),
        quantity: resource.number("dispenseRequest.quantity.value"),
        days: days.and_then(|days| cell::int(days.to_string().as_bytes())),
    };
    intake.row(place.bundle.owner, &row)?;
    Ok(true)
}
