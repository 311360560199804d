//! A bundle: its patient, its institution, its kind, then its resources one by one.

use jiff::Timestamp;
use jiff::civil::Date;

use super::rebuild::{Document, Resource};
use super::sections::Sections;
use super::view::View;
use super::{patient, resources};
use crate::atoms::{Owner, Sighting};
use crate::intake::{Intake, Version, home_of_postcode};
use crate::job::PseudonymizeError;
use crate::layout::Fate;
use crate::normalise::date;
use crate::report::Reason;
use crate::rows::DocumentRow;

/// What all rows of a bundle share.
pub(super) struct Bundle {
    pub(super) id: u64,
    pub(super) owner: Owner,
    pub(super) facility: String,
    pub(super) kind: Option<&'static str>,
    pub(super) undisclosed: bool,
    pub(super) sections: Sections,
}

/// Kinds of documents that have a table.
const KINDS: &[&str] = &["checkup", "discharge_summary", "referral"];

/// Writes the rows of a bundle. The reason why it must be put aside, if so.
pub(super) fn write(
    document: &Document<'_>,
    timestamp: Option<&str>,
    bytes: &[u8],
    intake: &mut Intake<'_>,
) -> Result<Option<Reason>, PseudonymizeError> {
    let all = &document.resources;
    let mut patients = all.iter().filter(|resource| resource.kind == "Patient");
    let (Some(patient), None) = (patients.next(), patients.next()) else { return Ok(Some(Reason::RecordForm)) };
    let composition = all.iter().find(|resource| resource.kind == "Composition").map(|one| &one.views.content);
    let content = &document.bundle.content;
    let issued_on = composition
        .and_then(|composition| composition.day("date"))
        .or_else(|| content.day("timestamp"))
        .or_else(|| content.day("meta.lastUpdated"));
    // A patient alone deletes what the number named before; nothing is to be written.
    let withdraws = all.len() == 1;
    let Some(issued_on) = issued_on else { return Ok(Some(Reason::NoDate)) };
    let identity = patient::identity(&patient.views.identity, all, intake);
    let facility = patient::institution_of(content, composition, all).or_else(|| identity.facility.clone());
    let Some(facility) = facility.or_else(|| withdraws.then(String::new)) else {
        return Ok(Some(Reason::NoFacility));
    };
    let Some(owner) = intake.begin(&identity) else { return Ok(None) };
    let number = document.bundle.identity.text("identifier.value").map(str::as_bytes);
    let key = number.map(|number| [number]);
    let order = content.day("timestamp").and(timestamp).and_then(millisecond).unwrap_or_else(|| midnight(issued_on));
    let version =
        Version { key: key.as_ref().map(|key| &key[..]), content: &[bytes], order, together: false, withdraws };
    intake.register(owner, &version);
    if withdraws {
        return Ok(None);
    }
    saw(patient, owner, issued_on, intake);
    intake.saw_facility(&facility, None, false);
    let bundle = Bundle {
        id: owner.record,
        owner,
        facility,
        kind: composition.and_then(|composition| kind_of(composition, content)),
        undisclosed: is_undisclosed(content),
        sections: composition.map(Sections::of).unwrap_or_default(),
    };
    rows(&bundle, issued_on, all, intake)?;
    intake.passed();
    Ok(None)
}

fn rows(
    bundle: &Bundle,
    issued_on: Date,
    all: &[Resource<'_>],
    intake: &mut Intake<'_>,
) -> Result<(), PseudonymizeError> {
    if bundle.kind.is_some() {
        let row = DocumentRow {
            facility_code: Some(&bundle.facility),
            document_id: bundle.id,
            kind: bundle.kind,
            issued_on: Some(issued_on),
        };
        intake.row(bundle.owner, &row)?;
    }
    for resource in all {
        match resource.fate {
            Fate::Read => resources::write(resource, bundle, intake)?,
            _ if resource.kind.is_empty() => intake.note(Reason::PartUnknown),
            Fate::Drop | Fate::Quarantine => intake.note(Reason::RecordUncarried),
        }
    }
    Ok(())
}

/// The instant of a time stamp, in milliseconds.
fn millisecond(written: &str) -> Option<i64> {
    Some(written.trim().parse::<Timestamp>().ok()?.as_millisecond())
}

/// Midnight of a day in Japan, in milliseconds.
fn midnight(day: Date) -> i64 {
    let (a_day, nine_hours) = (86_400_000, 32_400_000);
    i64::from(catalog::codes::days(day)).saturating_mul(a_day).saturating_sub(nine_hours)
}

/// The tag of a diagnosis that the patient has not been told.
pub(super) fn is_undisclosed(content: &View<'_>) -> bool {
    content.list("meta.tag").any(|tag| tag.text("code") == Some("undisclosed"))
}

fn saw(patient: &Resource<'_>, owner: Owner, on: Date, intake: &mut Intake<'_>) {
    let content = &patient.views.content;
    let died = match (content.day("deceasedDateTime"), content.flag("deceasedBoolean")) {
        (Some(died), _) => Some(died),
        (None, Some(true)) => Some(date::first_of_month(on)),
        (None, _) => None,
    };
    let postcode = || patient.views.identity.list("address").find_map(|address| address.text("postalCode"));
    let home = postcode().and_then(home_of_postcode);
    intake.saw(owner, Sighting { on: Some(on), until: None, home, died });
}

/// By the document's LOINC code, or by its profile's name.
fn kind_of(composition: &View<'_>, bundle: &View<'_>) -> Option<&'static str> {
    let code = composition.list("type.coding").find_map(|coding| coding.text("code"));
    let profile = || bundle.list("meta.profile").find_map(View::word);
    let said = code.or_else(profile)?;
    KINDS.iter().find(|kind| **kind == said).copied()
}
