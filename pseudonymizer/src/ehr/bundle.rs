//! A bundle: its patient, its institution, its kind, then its resources one by one.

use jiff::civil::Date;
use serde_json::Value;

use super::json::{at, codings, day, list, text};
use super::{patient, resources};
use crate::atoms::{Owner, Sighting};
use crate::intake::{Intake, home_of_postcode};
use crate::job::PseudonymizeError;
use crate::normalise::date;
use crate::report::Reason;
use crate::rows::DocumentRow;

/// What all rows of a bundle share.
pub(super) struct Bundle {
    pub(super) id: u64,
    pub(super) owner: Owner,
    pub(super) facility: String,
    pub(super) kind: Kind,
    pub(super) undisclosed: bool,
}

/// What a bundle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// 健診結果報告書.
    Checkup,
    /// One kind of resource, no document.
    Collection,
    /// 退院時サマリー.
    DischargeSummary,
    /// A document of another kind (患者サマリー).
    Other,
    /// 診療情報提供書.
    Referral,
}

impl Kind {
    fn word(self) -> Option<&'static str> {
        match self {
            Self::Checkup => Some("checkup"),
            Self::DischargeSummary => Some("discharge_summary"),
            Self::Referral => Some("referral"),
            Self::Collection | Self::Other => None,
        }
    }
}

/// Writes the rows of a bundle. The reason why it must be put aside, if so.
pub(super) fn write(bundle: &Value, intake: &mut Intake<'_>) -> Result<Result<(), Reason>, PseudonymizeError> {
    let resources: Vec<&Value> = list(bundle, "entry").filter_map(|entry| at(entry, "resource")).collect();
    let is = |resource: &Value, kind: &str| text(resource, "resourceType") == Some(kind);
    if !is(bundle, "Bundle") {
        return Ok(Err(Reason::RecordForm));
    }
    let mut patients = resources.iter().filter(|resource| is(resource, "Patient"));
    let (Some(patient), None) = (patients.next(), patients.next()) else { return Ok(Err(Reason::RecordForm)) };
    let composition = resources.iter().find(|resource| is(resource, "Composition"));
    if resources.len() == 1 {
        // A patient alone deletes what the number named before; nothing is to be written.
        intake.note(Reason::Replaced);
        return Ok(Ok(()));
    }
    let issued_on = composition
        .and_then(|composition| day(composition, "date"))
        .or_else(|| day(bundle, "timestamp"))
        .or_else(|| day(bundle, "meta.lastUpdated"));
    let Some(issued_on) = issued_on else { return Ok(Err(Reason::NoDate)) };
    let identity = patient::identity(patient, &resources, intake);
    let Some(facility) = patient::institution_of(bundle, &resources, &identity) else {
        return Ok(Err(Reason::NoFacility));
    };
    let Some(owner) = intake.begin(&identity) else { return Ok(Ok(())) };
    saw(patient, owner, issued_on, intake);
    intake.saw_facility(&facility, None, false);
    let id = owner.record;
    let kind = composition.map_or(Kind::Collection, |composition| kind_of(composition, bundle));
    let bundle = Bundle { id, owner, facility, kind, undisclosed: is_undisclosed(bundle) };
    if let Some(word) = kind.word() {
        let row = DocumentRow {
            facility_code: Some(&bundle.facility),
            document_id: id,
            kind: Some(word),
            issued_on: Some(issued_on),
        };
        intake.row(owner, &row)?;
    }
    for resource in resources {
        resources::write(resource, &bundle, intake)?;
    }
    intake.passed();
    Ok(Ok(()))
}

/// The tag of a diagnosis that the patient has not been told.
pub(super) fn is_undisclosed(resource: &Value) -> bool {
    list(resource, "meta.tag").any(|tag| text(tag, "code") == Some("UNINFORMED"))
}

fn saw(patient: &Value, owner: Owner, on: Date, intake: &mut Intake<'_>) {
    let died = match (day(patient, "deceasedDateTime"), at(patient, "deceasedBoolean").and_then(Value::as_bool)) {
        (Some(died), _) => Some(died),
        (None, Some(true)) => Some(on),
        (None, _) => None,
    };
    let home = list(patient, "address").find_map(|address| text(address, "postalCode")).and_then(home_of_postcode);
    let died = died.map(date::first_of_month);
    intake.saw(owner, Sighting { on: Some(on), until: None, home, died });
}

/// By the document's LOINC code, or by its profile's name.
fn kind_of(composition: &Value, bundle: &Value) -> Kind {
    let code = codings(composition, "type").find_map(|(_, code)| match code {
        "18842-5" => Some(Kind::DischargeSummary),
        "53576-5" => Some(Kind::Checkup),
        "57133-1" => Some(Kind::Referral),
        _ => None,
    });
    let profile = || {
        list(bundle, "meta.profile").filter_map(Value::as_str).find_map(|profile| match profile {
            one if one.contains("eReferral") => Some(Kind::Referral),
            one if one.contains("eDischargeSummary") => Some(Kind::DischargeSummary),
            one if one.contains("eCheckup") => Some(Kind::Checkup),
            _ => None,
        })
    };
    code.or_else(profile).unwrap_or(Kind::Other)
}
