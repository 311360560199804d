//! One examination: who, where, when, and the items with a column.

use std::borrow::Cow;

use jiff::civil::Date;

use super::header::Header;
use super::items::Items;
use crate::atoms::Sighting;
use crate::intake::{Intake, Version, home_of_insurer, home_of_postcode};
use crate::job::PseudonymizeError;
use crate::layout::Scalar;
use crate::report::Reason;
use crate::rows::CheckupRow;
use crate::tokens::Identity;

/// First checkup day of the fourth period, whose questionnaire answers smoking and drinking with other codes.
const FOURTH_PERIOD: Date = Date::constant(2024, 4, 1);

/// Writes the row. The reason why the record must be put aside, if so. A deletion takes away an earlier record of the same person,
/// day and institution.
pub(crate) fn write(
    header: &Header,
    items: &Items,
    deletes: bool,
    intake: &mut Intake<'_>,
) -> Result<Option<Reason>, PseudonymizeError> {
    let Some(checked_on) = header.day("checked_on") else { return Ok(Some(Reason::NoDate)) };
    let facility = match header.facility() {
        Ok(facility) => facility,
        Err(reason) => return Ok(Some(reason)),
    };
    let identity = header.person(intake);
    let Some(owner) = intake.begin(&identity) else { return Ok(None) };
    let (day, digest) = (checked_on.to_string(), intake.keys.digest(&identity));
    let mut content = Vec::new();
    header.say(&mut content);
    items.say(&mut content);
    let version = Version {
        key: Some(&[b"checkup", facility.as_bytes(), day.as_bytes(), &digest]),
        content: &[&content],
        order: header.order(),
        together: false,
        withdraws: deletes,
    };
    intake.register(owner, &version);
    if deletes {
        return Ok(None);
    }
    intake.saw(owner, Sighting { on: Some(checked_on), home: home(header, &identity), ..Sighting::default() });
    intake.saw_facility(&facility, None, false);
    intake.passed();
    items.tell(intake);
    let row = row(items, checked_on, &facility, intake);
    intake.row(owner, &row)?;
    Ok(None)
}

/// Where the person lives: by the postcode, else by the insurer.
pub(crate) fn home(header: &Header, identity: &Identity) -> Option<crate::atoms::Home> {
    home_of_postcode(header.identity("postcode")).or_else(|| home_of_insurer(identity.insurer.as_ref()))
}

/// Reads columns of an examination.
struct Reader<'r, 'i, 'j> {
    items: &'r Items,
    fourth: bool,
    intake: &'i mut Intake<'j>,
}

impl<'r> Reader<'r, '_, '_> {
    fn number(&mut self, column: &str) -> Option<f64> {
        let value = self.items.value(column, self.fourth, self.intake)?;
        if let Scalar::Number(number) = value { Some(number) } else { None }
    }

    fn flag(&mut self, column: &str) -> Option<bool> {
        let value = self.items.value(column, self.fourth, self.intake)?;
        if let Scalar::Flag(flag) = value { Some(flag) } else { None }
    }

    fn code(&mut self, column: &str) -> Option<&'r str> {
        let value = self.items.value(column, self.fourth, self.intake)?;
        if let Scalar::Text(Cow::Borrowed(code)) = value { Some(code) } else { None }
    }
}

fn row<'r>(items: &'r Items, checked_on: Date, facility: &'r str, intake: &mut Intake<'_>) -> CheckupRow<'r> {
    let mut of = Reader { items, fourth: checked_on >= FOURTH_PERIOD, intake };
    CheckupRow {
        checked_on: Some(checked_on),
        facility_code: Some(facility),
        fasting: of.flag("fasting"),
        height_cm: of.number("height_cm"),
        weight_kg: of.number("weight_kg"),
        bmi: of.number("bmi"),
        waist_cm: of.number("waist_cm"),
        sbp: of.number("sbp"),
        dbp: of.number("dbp"),
        triglyceride: of.number("triglyceride"),
        hdl: of.number("hdl"),
        ldl: of.number("ldl"),
        ast: of.number("ast"),
        alt: of.number("alt"),
        ggt: of.number("ggt"),
        glucose: of.number("glucose"),
        hba1c: of.number("hba1c"),
        creatinine: of.number("creatinine"),
        egfr: of.number("egfr"),
        uric_acid: of.number("uric_acid"),
        hemoglobin: of.number("hemoglobin"),
        urine_protein: of.code("urine_protein"),
        urine_glucose: of.code("urine_glucose"),
        smoking: of.code("smoking"),
        drinking: of.code("drinking"),
        antihypertensive: of.flag("antihypertensive"),
        antidiabetic: of.flag("antidiabetic"),
        antilipidemic: of.flag("antilipidemic"),
        history_stroke: of.flag("history_stroke"),
        history_heart: of.flag("history_heart"),
        history_kidney: of.flag("history_kidney"),
        metabolic: of.code("metabolic"),
        guidance_level: of.code("guidance_level"),
    }
}
