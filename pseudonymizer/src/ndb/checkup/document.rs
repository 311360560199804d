//! One examination: who, where, when, and the items with a column.

use super::Steps;
use super::items::{Items, Recorded};
use crate::atoms::Sighting;
use crate::cell;
use crate::intake::{Intake, Version, home_of_insurer, home_of_postcode};
use crate::job::PseudonymizeError;
use crate::normalise::sex::Sex;
use crate::normalise::{branch, date, kana, symbol};
use crate::report::Reason;
use crate::tokens::Identity;

/// 報告区分 of a checkup's result; 19 deletes one, 21 and on are guidance.
const CHECKUP: &str = "10";

/// What is read of a document.
#[derive(Default)]
pub(super) struct Document {
    category: String,
    insurer: String,
    symbol: String,
    number: String,
    branch: String,
    postcode: String,
    name: String,
    sex: String,
    birth: String,
    facility: String,
    checked_on: String,
    items: Items,
}

impl Document {
    /// Takes what the attributes of an element say.
    pub(super) fn open(&mut self, at: &Steps<'_>, attribute: &impl Fn(&str) -> Option<String>) {
        let take = |into: &mut String, name: &str| {
            if let Some(value) = attribute(name) {
                *into = value;
            }
        };
        if at.end_with(&["ClinicalDocument", "code"]) {
            take(&mut self.category, "code");
        } else if at.end_with(&["recordTarget", "patientRole", "id"]) {
            self.identifier(attribute);
        } else if at.end_with(&["patient", "administrativeGenderCode"]) {
            take(&mut self.sex, "code");
        } else if at.end_with(&["patient", "birthTime"]) {
            take(&mut self.birth, "value");
        } else if at.end_with(&["author", "assignedAuthor", "representedOrganization", "id"]) {
            if attribute("root").is_some_and(|root| root.ends_with(".6.102")) {
                take(&mut self.facility, "extension");
            }
        } else if at.end_with(&["documentationOf", "serviceEvent", "effectiveTime"]) {
            take(&mut self.checked_on, "value");
        } else if at.end_with(&["observation"]) {
            self.items.begin();
        } else if at.end_with(&["observation", "code"]) {
            self.items.code(attribute("code").unwrap_or_default());
        } else if at.end_with(&["observation", "value"]) && attribute("nullFlavor").is_none() {
            let (code, value) = (attribute("code"), attribute("value"));
            self.items.value(code.map(Recorded::Code).or_else(|| value.map(Recorded::Number)));
        }
    }

    fn identifier(&mut self, attribute: &impl Fn(&str) -> Option<String>) {
        let root = attribute("root").unwrap_or_default();
        let value = attribute("extension").unwrap_or_default();
        match root.rsplit('.').next() {
            Some("101") => self.insurer = value,
            Some("204") => self.symbol = value,
            Some("205") => self.number = value,
            Some("211") => self.branch = value,
            _ => {}
        }
    }

    /// Takes the text of an element that ends.
    pub(super) fn close(&mut self, at: &Steps<'_>, text: String) {
        if at.end_with(&["observation"]) {
            self.items.end();
        } else if at.end_with(&["patientRole", "addr", "postalCode"]) {
            self.postcode = text;
        } else if at.end_with(&["patient", "name"]) || at.end_with(&["patient", "name", "family"]) {
            self.name.insert_str(0, &text);
        } else if at.end_with(&["patient", "name", "given"]) {
            self.name.push_str(&text);
        }
    }

    /// Writes the row, or puts the document aside.
    pub(super) fn write(self, intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
        let record = intake.file.records;
        if self.category != CHECKUP {
            intake.note(Reason::RecordUncarried);
            return Ok(());
        }
        let Some(checked_on) = date::day(self.checked_on.get(..8).unwrap_or_default().as_bytes()) else {
            return intake.put_aside(record, Reason::NoDate, b"");
        };
        let Some(facility) = cell::digits(self.facility.as_bytes(), 10).map(str::to_owned) else {
            return intake.put_aside(record, Reason::NoFacility, b"");
        };
        let identity = self.identity(intake);
        let Some(owner) = intake.begin(&identity) else { return Ok(()) };
        let digest = intake.keys.digest(&identity);
        let day = checked_on.to_string();
        let key: [&[u8]; 3] = [facility.as_bytes(), day.as_bytes(), &digest];
        intake.register(
            owner,
            &Version { key: Some(&key), content: &key, order: 0, together: false, withdraws: false },
        );
        let home = home_of_postcode(&self.postcode).or_else(|| home_of_insurer(identity.insurer.as_ref()));
        intake.saw(owner, Sighting { on: Some(checked_on), home, ..Sighting::default() });
        intake.saw_facility(&facility, None, false);
        intake.passed();
        let row = self.items.row(checked_on, &facility, intake);
        intake.row(owner, &row)
    }

    fn identity(&self, intake: &mut Intake<'_>) -> Identity {
        let birth = intake.written(&self.birth, |digits| date::birth(digits.get(..8).unwrap_or(digits).as_bytes()));
        Identity {
            insurer: intake.insurer(self.insurer.as_bytes()),
            symbol: symbol::symbol(&self.symbol),
            number: intake.written(&self.number, symbol::number),
            branch: intake.written(&self.branch, branch::read),
            birth,
            sex: intake.written(&self.sex, Sex::read),
            kana: intake.written(&self.name, kana::name),
            ..Identity::default()
        }
    }
}
