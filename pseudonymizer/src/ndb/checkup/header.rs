//! The head of an examination or of a course of guidance: what a record's fields said, read by name, and only as the layout lets it.

use std::borrow::Cow;

use jiff::civil::Date;

use crate::intake::Intake;
use crate::layout::{Form, Record, Scalar, Seen};
use crate::normalise::insurer::Insurer;
use crate::normalise::sex::Sex;
use crate::normalise::{branch, date, kana, symbol};
use crate::report::Reason;
use crate::tokens::Identity;

/// Longest value that is kept, in bytes; a longer one is no identifier and no code.
const VALUE_MAX: usize = 1024;

/// A field and its value.
struct Slot {
    name: Box<str>,
    content: Option<Form>,
    identity: Option<Form>,
    value: String,
}

/// Values of a record's fields.
pub(crate) struct Header(Vec<Slot>);

impl Header {
    /// Of a record, empty.
    pub(crate) fn of(record: &Record) -> Self {
        let slot = |field: &crate::layout::Field| Slot {
            name: field.name.as_str().into(),
            content: Form::content(field),
            identity: Form::identity(field),
            value: String::new(),
        };
        Self(record.fields.iter().map(slot).collect())
    }

    /// Forgets all values.
    pub(crate) fn clear(&mut self) {
        self.0.iter_mut().for_each(|slot| slot.value.clear());
    }

    /// Adds text to a field's value, by its place in the record.
    pub(crate) fn add(&mut self, place: usize, part: &str) {
        if let Some(slot) = self.0.get_mut(place)
            && slot.value.len().saturating_add(part.len()) <= VALUE_MAX
            && (slot.content.is_some() || slot.identity.is_some())
        {
            slot.value.push_str(part);
        }
    }

    /// Replaces a field's value.
    pub(crate) fn set(&mut self, place: usize, value: &str) {
        if let Some(slot) = self.0.get_mut(place) {
            slot.value.clear();
        }
        self.add(place, value);
    }

    /// Whether a field may leave.
    pub(crate) fn leaves(&self, name: &str) -> bool {
        self.slot(name).is_some_and(|slot| slot.content.is_some())
    }

    /// A value for tokens; blank where there is none.
    pub(crate) fn identity(&self, name: &str) -> &str {
        self.slot(name).filter(|slot| slot.identity.is_some()).map_or("", |slot| &slot.value)
    }

    /// A day that leaves.
    pub(crate) fn day(&self, name: &str) -> Option<Date> {
        if let Some(Scalar::Day(day)) = self.content(name) { Some(day) } else { None }
    }

    /// A code that leaves.
    pub(crate) fn code(&self, name: &str) -> Option<Cow<'_, str>> {
        if let Some(Scalar::Text(code)) = self.content(name) { Some(code) } else { None }
    }

    fn content(&self, name: &str) -> Option<Scalar<'_>> {
        let slot = self.slot(name)?;
        match slot.content.as_ref()?.text(Cow::Borrowed(&slot.value)) {
            Seen::Value(value) => Some(value),
            Seen::Malformed | Seen::Nothing => None,
        }
    }

    fn slot(&self, name: &str) -> Option<&Slot> {
        self.0.iter().find(|slot| *slot.name == *name)
    }

    /// Adds all that was said, so that equal records are known.
    pub(crate) fn say(&self, into: &mut Vec<u8>) {
        for slot in &self.0 {
            into.extend_from_slice(slot.value.as_bytes());
            into.push(0);
        }
    }

    /// Who it says it is about.
    pub(crate) fn person(&self, intake: &mut Intake<'_>) -> Identity {
        let birth = intake.written(self.identity("birth_date"), |written| {
            let digits: String = written.chars().filter(char::is_ascii_digit).collect();
            date::birth(digits.get(..8).unwrap_or(&digits).as_bytes())
        });
        let insurer = intake.written(self.identity("insurer"), Insurer::read);
        if insurer.as_ref().is_some_and(|insurer| !insurer.check_digit_holds()) {
            intake.note(Reason::CheckDigit);
        }
        let parts = ["patient_name", "family_name", "given_name"].map(|name| self.identity(name).trim());
        Identity {
            insurer,
            symbol: symbol::symbol(self.identity("symbol")),
            number: intake.written(self.identity("number"), symbol::number),
            branch: intake.written(self.identity("branch"), branch::read),
            birth,
            sex: intake.written(self.identity("sex"), Sex::read),
            kana: intake.written(&parts.concat(), kana::name),
            ..Identity::default()
        }
    }

    /// The order among reports on the same thing: the day of making, as a number.
    pub(crate) fn order(&self) -> i64 {
        self.day("created_on").map_or(0, |day| i64::from(catalog::codes::days(day)))
    }

    /// The institution; counted where there is none.
    pub(crate) fn facility(&self) -> Result<String, Reason> {
        self.code("facility").map(Cow::into_owned).ok_or(Reason::NoFacility)
    }

    /// Names that code asks for, so that a test finds those that no layout has.
    #[cfg(test)]
    pub(crate) const NAMES: &'static [&'static str] = &[
        "birth_date",
        "patient_name",
        "insurer",
        "symbol",
        "number",
        "branch",
        "sex",
        "created_on",
        "facility",
        "postcode",
    ];
}
