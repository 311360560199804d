//! 特定保健指導: a report on a course of guidance. The last report on a course stands (formats.md 8.1; assumptions are said in the
//! layout).

use std::borrow::Cow;

use super::checkup::{Header, Items, home};
use crate::atoms::Sighting;
use crate::intake::{Intake, Version};
use crate::job::PseudonymizeError;
use crate::layout::Scalar;
use crate::report::Reason;
use crate::rows::GuidanceRow;

/// Writes the row. The reason why the report must be put aside, if so.
pub(crate) fn write(
    header: &Header,
    items: &Items,
    category: Option<&str>,
    intake: &mut Intake<'_>,
) -> Result<Option<Reason>, PseudonymizeError> {
    let started_on = header.day("started_on").or_else(|| header.day("interviewed_on"));
    let Some(on) = started_on else { return Ok(Some(Reason::NoDate)) };
    let facility = match header.facility() {
        Ok(facility) => facility,
        Err(reason) => return Ok(Some(reason)),
    };
    let identity = header.person(intake);
    let Some(owner) = intake.begin(&identity) else { return Ok(None) };
    let (day, digest) = (on.to_string(), intake.keys.digest(&identity));
    let mut content = Vec::new();
    header.say(&mut content);
    items.say(&mut content);
    let version = Version {
        key: Some(&[b"guidance", facility.as_bytes(), day.as_bytes(), &digest]),
        content: &[&content],
        order: header.order(),
        together: false,
        withdraws: false,
    };
    intake.register(owner, &version);
    intake.saw(owner, Sighting { on: Some(on), home: home(header, &identity), ..Sighting::default() });
    intake.saw_facility(&facility, None, false);
    intake.passed();
    items.tell(intake);
    let level = items.value("level", false, intake);
    let row = GuidanceRow {
        started_on,
        ended_on: header.day("ended_on").or_else(|| header.day("evaluated_on")),
        level: if let Some(Scalar::Text(Cow::Borrowed(level))) = level { Some(level) } else { None },
        completed: category.map(|category| category == "completed"),
        facility_code: Some(&facility),
    };
    intake.row(owner, &row)?;
    Ok(None)
}
